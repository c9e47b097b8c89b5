-- Ends sessions that have expired, and looks at a batch for that. $1: now, $2: until when they are remembered, $3: how many at most.
with due as materialized (
    -- What another is at work on is passed by. What has changed since this statement began is seen as it is now.
    select key, expires_ms, subject, session_id, display_name, clients
    from {schema}.sessions
    where gone_until_ms is null and sweep_ms <= $1
    order by sweep_ms limit {limit}
    for update skip locked
),
over as materialized (
    select * from due where expires_ms <= $1 order by expires_ms limit $3
),
postponed as (
    update {schema}.sessions set sweep_ms = expires_ms
    where key = any (array(select key from due where expires_ms > $1))
),
buried as (
    update {schema}.sessions set
        version = null, created_ms = null, renewed_ms = null, expires_ms = null, sweep_ms = null,
        subject = null, session_id = null, display_name = null, folded_name = null, user_agent = null, address = null,
        clients = null, ticket = null,
        gone_until_ms = $2
    where key = any (array(select key from over))
),
logged as (
    insert into {schema}.ended (at_ms, event_id, subject, session_id, display_name, reason, clients)
    select $1, substr(key, 1, 16), subject, session_id, display_name, 'expired', clients
    from over order by expires_ms
    returning *
)
-- A row in any case, with how many were looked at.
select looked, place is not null, {ended}
from (select count(*) as looked from due) as counted left join logged on true
order by place
