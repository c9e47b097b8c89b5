-- Version 1: what the operations that take more than one statement are made of. They are functions so that each is one round trip and
-- one transaction.
--
-- They stand on READ COMMITTED: each statement of a function sees what was committed before that statement began, and one that has
-- waited for the lock of a row sees what has become of the row. So a function that finds a row gone looks again, and learns why.
--
-- Locks: whoever puts a session in, or ends those of a subject, first takes the subject's lock: together with others if it is one more
-- session, alone if it depends on which ones there are. After that come the locks of rows; whoever locks several does so in the order
-- of their keys, or passes by those that are locked. So nobody waits in a circle, but for a function that has to look again while it
-- holds locks; the server notices that, undoes one of the two, and the store tries again.
--
-- Names are looked up where nobody else can put one: each function that the store calls says so, for those that it calls, too.
--
-- A node of an older release calls these functions after a newer one has brought the schema up. So what a function is called, takes
-- and gives is never changed; one that has to differ gets another name.

-- The key of the newest successor of a key, or the key itself if no session has taken its place.
create function {schema}.newest(p_key bytea, p_now bigint) returns bytea
language plpgsql as $function$
declare
    v_successor bytea;
begin
    -- More steps than a minute of signing in again and again can make. A chain that somebody has bent into a ring has no end.
    for step in 1 .. 10000 loop
        select successor into v_successor from {schema}.sessions where key = p_key and gone_until_ms > p_now;
        if v_successor is null then
            return p_key;
        end if;
        p_key := v_successor;
    end loop;
    return p_key;
end
$function$;

-- Puts a session in, if its key is free. What is left of one that nobody needs to remember any more makes way.
create function {schema}.put(
    p_key bytea, p_subject text, p_session_id text, p_version bigint, p_created bigint, p_renewed bigint, p_expires bigint,
    p_display_name text, p_folded_name text, p_user_agent text, p_address text, p_clients text[], p_ticket bytea, p_now bigint
) returns boolean
language plpgsql as $function$
begin
    loop
        insert into {schema}.sessions (
            key, subject, session_id, version, created_ms, renewed_ms, expires_ms, sweep_ms,
            display_name, folded_name, user_agent, address, clients, ticket
        ) values (
            p_key, p_subject, p_session_id, p_version, p_created, p_renewed, p_expires, p_expires,
            p_display_name, p_folded_name, p_user_agent, p_address, p_clients, p_ticket
        ) on conflict (key) do nothing;
        if found then
            return true;
        end if;
        delete from {schema}.sessions where key = p_key and gone_until_ms <= p_now;
        if not found then
            return false;
        end if;
    end loop;
end
$function$;

-- Makes sessions the memory of some. Their rows are locked.
create function {schema}.bury(p_keys bytea[], p_successor bytea, p_gone_until bigint) returns void
language plpgsql as $function$
begin
    update {schema}.sessions
    set version = null, created_ms = null, renewed_ms = null, expires_ms = null, sweep_ms = null,
        subject = null, session_id = null, display_name = null, folded_name = null, user_agent = null, address = null,
        clients = null, ticket = null,
        successor = p_successor, gone_until_ms = p_gone_until
    where key = any (p_keys);
end
$function$;

-- Ends sessions, and gives the entries of the log, in the order in which the sessions were created. Their rows are locked.
create function {schema}.finish(p_keys bytea[], p_reason text, p_now bigint, p_gone_until bigint) returns setof {schema}.ended
language plpgsql as $function$
begin
    return query
        with logged as (
            insert into {schema}.ended (at_ms, event_id, subject, session_id, display_name, reason, clients)
            select p_now, substr(key, 1, 16), subject, session_id, display_name, p_reason, clients
            from {schema}.sessions where key = any (p_keys)
            order by created_ms, session_id
            returning *
        )
        select * from logged order by place;
    perform {schema}.bury(p_keys, null, p_gone_until);
end
$function$;

-- Takes the lock of a subject until the end of the transaction.
create function {schema}.lock_subject(p_subject text, p_alone boolean) returns void
language plpgsql as $function$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise 'sessions are kept at the isolation level READ COMMITTED' using errcode = 'object_not_in_prerequisite_state';
    end if;
    -- Two subjects with one hash wait for each other, which does no harm.
    if p_alone then
        perform pg_advisory_xact_lock(hashtextextended(p_subject, 4721183));
    else
        perform pg_advisory_xact_lock_shared(hashtextextended(p_subject, 4721183));
    end if;
end
$function$;

-- Which sessions of a subject have to end for one more; null if the limit refuses it. `p_but` does not count. The subject is locked
-- for us alone, and now all its sessions are.
create function {schema}.make_room(p_subject text, p_limit bigint, p_deny boolean, p_but bytea, p_now bigint) returns bytea[]
language plpgsql as $function$
declare
    v_live bytea[];
    v_excess bigint;
begin
    perform from {schema}.sessions where subject = p_subject and gone_until_ms is null order by key for update;
    select coalesce(array_agg(key order by created_ms, session_id), '{}') into v_live
    from {schema}.sessions
    where subject = p_subject and gone_until_ms is null and expires_ms > p_now and key is distinct from p_but;

    v_excess := cardinality(v_live) + 1 - p_limit;
    if v_excess <= 0 then
        return '{}';
    elsif p_deny then
        return null;
    else
        return v_live[1:v_excess];
    end if;
end
$function$;
