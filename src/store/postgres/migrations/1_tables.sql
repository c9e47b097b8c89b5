-- Version 1: the tables. {schema} stands for the name of the schema, quoted.
--
-- All times are milliseconds since 1970-01-01 00:00 UTC, by the clocks of the servers that use the store. The database's clock
-- decides nothing.

-- A row is a session or, for a minute after that has ended or was replaced, the memory of one. It stays the same row under the same
-- key, so that whatever happens to a key is put in order by the lock of one row.
create table {schema}.sessions (
    version       bigint,             -- counts the changes of ticket and display name
    created_ms    bigint,
    renewed_ms    bigint,
    expires_ms    bigint,
    sweep_ms      bigint,             -- when clean-up looks at it: at its expiry or before, see below
    gone_until_ms bigint,             -- a memory, and until when; null in a session
    key           bytea not null,     -- SHA-256 of the secret in the browser's cookie
    successor     bytea,              -- in a memory: the key that the session goes on under
    subject       text  collate "C",
    session_id    text  collate "C",
    display_name  text  collate "C",
    folded_name   text  collate "C",  -- the display name as it is searched for, without regard to case
    user_agent    text  collate "C",
    address       text  collate "C",
    clients       text[] collate "C", -- in the order first added, each once
    ticket        bytea,              -- sealed: who is signed in, and all that a session is decided by

    constraint sessions_pkey primary key (key),
    constraint sessions_whole check (
        case when gone_until_ms is null
            then num_nulls(version, created_ms, renewed_ms, expires_ms, sweep_ms, subject, session_id, clients, ticket) = 0
            else num_nonnulls(version, created_ms, renewed_ms, expires_ms, sweep_ms, subject, session_id, clients, ticket,
                              display_name, folded_name, user_agent, address) = 0
        end)
) with (
    -- What is written most often, a sign of life and a new client, changes no indexed column. With room on its page such a write
    -- makes no entry in any index ("heap-only"), and the page tidies itself.
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);

-- Sealed bytes can't be compressed, so nobody should try.
alter table {schema}.sessions alter column ticket set storage external;

-- The list of all sessions in its order, and those of one subject nearly so: these are few, and soon sorted.
create index sessions_newest on {schema}.sessions (created_ms, session_id) where gone_until_ms is null;
create index sessions_subject on {schema}.sessions (subject, created_ms) where gone_until_ms is null;
create index sessions_session_id on {schema}.sessions (session_id) where gone_until_ms is null;
create index sessions_name on {schema}.sessions (folded_name) where folded_name is not null;

-- A sign of life moves `expires_ms`, which is why that is in no index. `sweep_ms` is the expiry that the session had when clean-up
-- last looked at it; if it has been extended since, clean-up moves this after it and passes on.
create index sessions_sweep on {schema}.sessions (sweep_ms) where gone_until_ms is null;
create index sessions_gone on {schema}.sessions (gone_until_ms) where gone_until_ms is not null;

-- The log of ends: what has ended and is still to be told to whoever has to know.
create table {schema}.ended (
    place           bigint not null generated always as identity,
    at_ms           bigint not null,
    leased_until_ms bigint not null default 0, -- nobody else may take it before; 0: nobody has taken it yet
    attempts        integer not null default 0,
    event_id        bytea  not null,
    subject         text   collate "C" not null,
    session_id      text   collate "C" not null,
    display_name    text   collate "C",
    reason          text   collate "C" not null,
    clients         text[] collate "C" not null,

    constraint ended_pkey primary key (place)
) with (
    -- A queue: every row is written, leased and deleted.
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);

create index ended_next on {schema}.ended (leased_until_ms, place);
create index ended_event on {schema}.ended (event_id);
create index ended_at on {schema}.ended (at_ms);
