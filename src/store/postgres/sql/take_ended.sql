-- Takes a batch from the log of ends. $1: now, $2: the end of the lease.
with next as materialized (
    -- What nobody has taken yet comes first, in the order in which it came.
    select place from {schema}.ended
    where leased_until_ms <= $1
    order by leased_until_ms, place limit {limit}
    for update skip locked
),
taken as (
    update {schema}.ended set leased_until_ms = $2, attempts = attempts + 1
    where place = any (array(select place from next))
    returning *
)
select attempts, {ended} from taken order by place
