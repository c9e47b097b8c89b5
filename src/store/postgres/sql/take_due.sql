-- Takes a batch from the outbox. $1: now, $2: the end of the lease, $3: clients to pass by, $4: how many at most.
with next as materialized (
    select id from {schema}.deliveries
    where free_from_ms <= $1 and client <> all ($3)
    order by free_from_ms limit $4
    for update skip locked
),
taken as (
    -- A number that somebody has raised as far as it goes must not stop the others.
    update {schema}.deliveries set
        free_from_ms = $2,
        attempts = least(attempts, 2147483646) + 1,
        turn = least(turn, 9223372036854775805) + 1
    where id = any (array(select id from next))
    returning *
)
select event_id, client, subject, session_id, created_ms, attempts, turn, state from taken order by due_ms, id
