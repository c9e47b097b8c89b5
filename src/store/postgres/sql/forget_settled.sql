-- Removes a batch of deliveries that were settled. $1: before when.
with old as materialized (
    select id from {schema}.deliveries
    where settled_ms < $1 and free_from_ms is null
    order by settled_ms limit 5000
    for update skip locked
),
forgotten as (
    delete from {schema}.deliveries where id = any (array(select id from old)) returning 1
)
select count(*) from forgotten
