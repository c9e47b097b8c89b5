-- Removes a batch of deliveries that were settled. $1: before when.
with old as materialized (
    select id from {schema}.deliveries
    where settled_ms < $1
    order by settled_ms limit 5000
    for update skip locked
),
forgotten as (
    -- What waits has no such time, unless somebody has put it there.
    delete from {schema}.deliveries where id = any (array(select id from old)) and free_from_ms is null returning 1
)
select count(*) from forgotten
