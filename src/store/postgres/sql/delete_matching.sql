-- Ends a batch of sessions. $1: now, $2: until when they are remembered, $3: why.
with picked as materialized (
    select key from {schema}.sessions
    where {criteria} and gone_until_ms is null
    order by {order} limit {limit}
),
doomed as materialized (
    -- In the order of their keys, as everybody locks several. We wait for each: some of them may turn out to be gone.
    select key, created_ms, subject, session_id, display_name, clients
    from {schema}.sessions
    where key = any (array(select key from picked)) and {criteria} and gone_until_ms is null
    order by key for update
),
buried as (
    update {schema}.sessions set
        version = null, created_ms = null, renewed_ms = null, expires_ms = null, sweep_ms = null,
        subject = null, session_id = null, display_name = null, folded_name = null, user_agent = null, address = null,
        clients = null, ticket = null,
        gone_until_ms = $2
    where key = any (array(select key from doomed))
),
logged as (
    insert into {schema}.ended (at_ms, event_id, subject, session_id, display_name, reason, clients)
    select $1, substr(key, 1, 16), subject, session_id, display_name, $3, clients
    from doomed order by created_ms, session_id
)
select (select count(*) from picked), (select count(*) from doomed)
