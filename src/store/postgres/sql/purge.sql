-- Tidies away a batch of memories that are over, and of ends that nobody has heard of. $1: now, $2: before when they ended.
with over as materialized (
    select key from {schema}.sessions
    where gone_until_ms <= $1
    order by gone_until_ms limit 5000
    for update skip locked
),
unheard as materialized (
    select place from {schema}.ended
    where at_ms < $2
    order by at_ms limit 5000
    for update skip locked
),
forgotten as (
    delete from {schema}.sessions where key = any (array(select key from over)) returning 1
),
dropped as (
    delete from {schema}.ended where place = any (array(select place from unheard)) returning 1
)
select (select count(*) from forgotten), (select count(*) from dropped)
