-- Version 2: the outbox of logout notifications. It is made whether or not any are sent, so that all nodes of a release agree about the
-- version. Nothing of version 1 is touched, so nodes of that release run on.

-- What clients are to be told of ends of sessions, and what became of it.
create table {schema}.deliveries (
    id           bigint  not null generated always as identity,
    created_ms   bigint  not null,
    due_ms       bigint  not null,           -- when it was due before it was taken
    free_from_ms bigint,                     -- when it can be taken; null when it is settled
    settled_ms   bigint,
    turn         bigint  not null default 0, -- grows whenever the delivery is taken or given back
    attempts     integer not null default 0,
    event_id     bytea   not null,
    client       text    collate "C" not null,
    subject      text    collate "C" not null,
    session_id   text    collate "C" not null,
    state        text    collate "C" not null default 'pending', -- pending, failed, delivered or given_up
    failure      text    collate "C",

    constraint deliveries_pkey primary key (id),
    constraint deliveries_name unique (event_id, client),
    constraint deliveries_whole check (
        case when state in ('pending', 'failed')
            then free_from_ms is not null and settled_ms is null
            else state in ('delivered', 'given_up') and free_from_ms is null and settled_ms is not null
        end)
) with (
    -- A queue: every row is written, taken, settled and deleted.
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);

-- Without the client: the rows of clients that are passed by are read whatever the index holds, as whoever takes locks rows.
create index deliveries_waiting on {schema}.deliveries (free_from_ms) where free_from_ms is not null;
create index deliveries_settled on {schema}.deliveries (settled_ms) where settled_ms is not null;

-- Lists, the newest first. Of one end, session or subject there are few, and these are soon sorted.
create index deliveries_newest on {schema}.deliveries (created_ms desc, event_id, client);
create index deliveries_state on {schema}.deliveries (state, created_ms desc, event_id, client);
create index deliveries_client on {schema}.deliveries (client, created_ms desc, event_id);
create index deliveries_subject on {schema}.deliveries (subject);
create index deliveries_session_id on {schema}.deliveries (session_id);

-- Notes what became of attempts, and gives how many counted. A state that is null means that there was no attempt.
create function {schema}.settle_deliveries(
    p_events bytea[], p_clients text[], p_turns bigint[], p_states text[], p_again bigint[], p_failures text[], p_now bigint
) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_said record;
    v_counted bigint := 0;
begin
    -- In this order, so that two who settle the same don't wait for each other in a circle. Of two words the first counts, as it
    -- makes another turn.
    for v_said in
        select * from unnest(p_events, p_clients, p_turns, p_states, p_again, p_failures)
            with ordinality as said (event_id, client, turn, state, again, failure, place)
        order by event_id, client collate "C", place
    loop
        update {schema}.deliveries set
            state = coalesce(v_said.state, state),
            attempts = case when v_said.state is null then greatest(attempts - 1, 0) else attempts end,
            turn = turn + 1,
            due_ms = coalesce(v_said.again, due_ms),
            free_from_ms = case when v_said.state in ('delivered', 'given_up') then null else coalesce(v_said.again, due_ms) end,
            settled_ms = case when v_said.state in ('delivered', 'given_up') then p_now end,
            failure = coalesce(v_said.failure, failure)
        where event_id = v_said.event_id and client = v_said.client and turn = v_said.turn and free_from_ms is not null;
        if found then
            v_counted := v_counted + 1;
        end if;
    end loop;
    return v_counted;
end
$function$;
