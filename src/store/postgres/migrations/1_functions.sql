-- Version 1: the operations that take more than one statement, so that each is one round trip and one transaction.
--
-- They stand on READ COMMITTED: each statement of a function sees what was committed before that statement began, and one that has
-- waited for the lock of a row sees what has become of the row. So a function that finds a row gone looks again, and learns why.
--
-- Locks: whoever puts a session in, or ends those of a subject, first takes the subject's lock: together with others if it is one more
-- session, alone if it depends on which ones there are. After that come the locks of rows; whoever locks several does so in the order
-- of their keys, or passes by those that are locked. So nobody waits in a circle, but for a function that has to look again while it
-- holds locks; the server notices that, undoes one of the two, and the store tries again.
--
-- A node of an older release calls these functions after a newer one has brought the schema up. So what a function is called, takes
-- and gives is never changed; one that has to differ gets another name.

-- The key of the newest successor of a key, or the key itself if no session has taken its place.
create function {schema}.newest(p_key bytea, p_now bigint) returns bytea
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_successor bytea;
begin
    loop
        select successor into v_successor from {schema}.sessions where key = p_key and gone_until_ms > p_now;
        if v_successor is null then
            return p_key;
        end if;
        p_key := v_successor;
    end loop;
end
$function$;

-- Puts a session in, if its key is free. What is left of one that nobody needs to remember any more makes way.
create function {schema}.put(
    p_key bytea, p_subject text, p_session_id text, p_version bigint, p_created bigint, p_renewed bigint, p_expires bigint,
    p_display_name text, p_folded_name text, p_user_agent text, p_address text, p_clients text[], p_ticket bytea, p_now bigint
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $function$
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
language plpgsql set search_path = pg_catalog, pg_temp as $function$
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
language plpgsql set search_path = pg_catalog, pg_temp as $function$
begin
    if cardinality(p_keys) = 0 then
        return;
    end if;
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
language plpgsql set search_path = pg_catalog, pg_temp as $function$
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
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_live bytea[];
    v_excess bigint;
begin
    if p_limit is null then
        return '{}';
    end if;
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

-- Creates a session: 'created', with a row for each session that had to end for it; 'exists' or 'denied'.
create function {schema}.create_session(
    p_key bytea, p_subject text, p_session_id text, p_version bigint, p_created bigint, p_renewed bigint, p_expires bigint,
    p_display_name text, p_folded_name text, p_user_agent text, p_address text, p_clients text[], p_ticket bytea,
    p_limit bigint, p_deny boolean, p_now bigint, p_gone_until bigint
) returns table (outcome text, ended {schema}.ended)
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_evicted bytea[];
begin
    perform {schema}.lock_subject(p_subject, p_limit is not null);
    v_evicted := {schema}.make_room(p_subject, p_limit, p_deny, p_key, p_now);
    if v_evicted is null then
        -- Asked again after a lost reply, it is told that its own key is taken, though there is no room now.
        perform from {schema}.sessions where key = p_key and (gone_until_ms is null or gone_until_ms > p_now);
        return query select case when found then 'exists' else 'denied' end, null::{schema}.ended;
    elsif {schema}.put(
        p_key, p_subject, p_session_id, p_version, p_created, p_renewed, p_expires,
        p_display_name, p_folded_name, p_user_agent, p_address, p_clients, p_ticket, p_now
    ) then
        return query select 'created', null::{schema}.ended;
        return query select 'created', e from {schema}.finish(v_evicted, 'limit_reached', p_now, p_gone_until) as e;
    else
        return query select 'exists', null::{schema}.ended;
    end if;
end
$function$;

-- Puts a session in the place of another. 'replaced', with what the new one has taken over and a row for each session that has
-- ended; 'missing' or 'denied'.
create function {schema}.replace_session(
    p_key bytea, p_subject text, p_session_id text, p_version bigint, p_created bigint, p_renewed bigint, p_expires bigint,
    p_display_name text, p_folded_name text, p_user_agent text, p_address text, p_clients text[], p_ticket bytea,
    p_old bytea, p_goes_on boolean, p_limit bigint, p_deny boolean, p_now bigint, p_gone_until bigint
) returns table (outcome text, created_ms bigint, clients text[], ended {schema}.ended)
language plpgsql set search_path = pg_catalog, pg_temp as $function$
#variable_conflict use_column
declare
    v_old bytea;
    v_there record;
    v_is_there boolean;
    v_evicted bytea[] := '{}';
begin
    perform {schema}.lock_subject(p_subject, p_limit is not null and not p_goes_on);
    loop
        v_old := {schema}.newest(p_old, p_now);
        if not p_goes_on then
            -- The old one does not count if it is the same subject's; otherwise it makes no difference.
            v_evicted := {schema}.make_room(p_subject, p_limit, p_deny, v_old, p_now);
        end if;
        -- The second attempt of a caller that lost a reply is told what the first has done. We may just have waited for that.
        return query
            select case when gone_until_ms is null then 'replaced' else 'missing' end, created_ms, clients, null::{schema}.ended
            from {schema}.sessions where key = p_key and (gone_until_ms is null or gone_until_ms > p_now);
        if found then
            return;
        end if;
        select key, expires_ms, session_id, created_ms, clients into v_there
        from {schema}.sessions where key = v_old and gone_until_ms is null and subject = p_subject for update;
        -- Somebody may have been quicker, and replaced it.
        continue when not found and {schema}.newest(p_old, p_now) <> v_old;

        v_is_there := found and v_there.expires_ms > p_now and (v_there.session_id = p_session_id or not p_goes_on);
        if p_goes_on and not v_is_there then
            return query select 'missing', null::bigint, null::text[], null::{schema}.ended;
            return;
        elsif v_evicted is null then
            return query select 'denied', null::bigint, null::text[], null::{schema}.ended;
            return;
        elsif p_goes_on then
            p_created := v_there.created_ms;
            p_clients := v_there.clients || array(
                select own from unnest(p_clients) with ordinality as own(own, place)
                where own <> all (v_there.clients) order by place);
        end if;
        exit when {schema}.put(
            p_key, p_subject, p_session_id, p_version, p_created, p_renewed, p_expires,
            p_display_name, p_folded_name, p_user_agent, p_address, p_clients, p_ticket, p_now
        );
        -- The first attempt was still under way, and is done now.
    end loop;

    return query select 'replaced', p_created, p_clients, null::{schema}.ended;
    if p_goes_on then
        perform {schema}.bury(array[v_old], p_key, p_gone_until);
    else
        if v_is_there then
            return query select 'replaced', p_created, p_clients, e
                from {schema}.finish(array[v_old], 'replaced', p_now, p_gone_until) as e;
        end if;
        return query select 'replaced', p_created, p_clients, e
            from {schema}.finish(v_evicted, 'limit_reached', p_now, p_gone_until) as e;
    end if;
end
$function$;

-- Ends the session of a key or of its newest successor, and gives what has ended.
create function {schema}.delete_session(p_key bytea, p_reason text, p_only_expired boolean, p_now bigint, p_gone_until bigint)
returns setof {schema}.ended
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_key bytea;
    v_expires bigint;
begin
    loop
        v_key := {schema}.newest(p_key, p_now);
        select expires_ms into v_expires from {schema}.sessions where key = v_key and gone_until_ms is null for update;
        exit when found;
        -- Somebody was quicker: it has been replaced, or it has ended.
        if {schema}.newest(p_key, p_now) = v_key then
            return;
        end if;
    end loop;
    if v_expires <= p_now or not p_only_expired then
        return query select * from {schema}.finish(array[v_key], p_reason, p_now, p_gone_until);
    end if;
end
$function$;

-- Ends sessions of a subject that meet some criteria, at most `p_max`, and gives their number. A criterion that is null is met by all.
create function {schema}.delete_of_subject(
    p_subject text, p_session_id text, p_name_begin text, p_except text, p_reason text, p_max bigint, p_now bigint, p_gone_until bigint
) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_picked bytea[];
    v_locked bytea[];
    v_ended bigint := 0;
begin
    perform {schema}.lock_subject(p_subject, true);
    loop
        v_picked := array(
            select key from {schema}.sessions
            where subject = p_subject and gone_until_ms is null
                and (p_session_id is null or session_id = p_session_id)
                and (p_name_begin is null or left(folded_name, char_length(p_name_begin)) = p_name_begin)
                and (p_except is null or session_id <> p_except)
            order by subject, created_ms limit p_max - v_ended
        );
        v_locked := array(
            select key from {schema}.sessions
            where key = any (v_picked) and gone_until_ms is null
                and (p_name_begin is null or left(folded_name, char_length(p_name_begin)) = p_name_begin)
            order by key for update
        );
        perform {schema}.finish(v_locked, p_reason, p_now, p_gone_until);
        v_ended := v_ended + cardinality(v_locked);
        -- If some have ended while we waited for them, there may be others instead.
        exit when cardinality(v_locked) = cardinality(v_picked) or v_ended = p_max;
    end loop;
    return v_ended;
end
$function$;

-- Notes a sign of life, if the last one is from `p_due` or before: the expiry then, or null.
create function {schema}.touch_session(p_key bytea, p_due bigint, p_expires bigint, p_now bigint) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_expires bigint;
begin
    update {schema}.sessions set renewed_ms = p_now, expires_ms = greatest(expires_ms, p_expires)
    where key = p_key and gone_until_ms is null and expires_ms > p_now and renewed_ms <= p_due
    returning expires_ms into v_expires;
    if found then
        -- Nobody waits for the disk: what a crash of the server takes back is that the session was used, a moment ago.
        perform set_config('synchronous_commit', 'off', true);
    end if;
    return v_expires;
end
$function$;

-- Gives a session another ticket and name, if it has the version expected: the version then, 0 if it has another, or null.
create function {schema}.update_session(
    p_key bytea, p_expected bigint, p_ticket bytea, p_display_name text, p_folded_name text, p_now bigint
) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_version bigint;
begin
    loop
        update {schema}.sessions
        set version = version + 1, ticket = p_ticket, display_name = p_display_name, folded_name = p_folded_name
        where key = p_key and gone_until_ms is null and expires_ms > p_now and version = p_expected
        returning version into v_version;
        if found then
            return v_version;
        end if;
        select version into v_version from {schema}.sessions where key = p_key and gone_until_ms is null and expires_ms > p_now;
        if not found then
            return null;
        elsif v_version <> p_expected then
            return 0;
        end if;
        -- It has just been put in.
    end loop;
end
$function$;

-- Appends a client to a session, or to its newest successor: whether it was missing there, or null if there is no session.
create function {schema}.add_client(p_key bytea, p_client text, p_now bigint) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_live boolean;
    v_done boolean;
    v_successor bytea;
begin
    loop
        update {schema}.sessions set clients = array_append(clients, p_client)
        where key = p_key and gone_until_ms is null and expires_ms > p_now and p_client <> all (clients);
        if found then
            return true;
        end if;
        select gone_until_ms is null and expires_ms > p_now, p_client = any (clients), successor
        into v_live, v_done, v_successor
        from {schema}.sessions where key = p_key and (gone_until_ms is null or gone_until_ms > p_now);
        if v_live then
            if v_done then
                return false;
            end if;
            -- Somebody has just removed it.
        elsif v_successor is not null then
            p_key := v_successor;
        else
            return null;
        end if;
    end loop;
end
$function$;

-- Takes a client out of a session, or of its newest successor: whether it was there, or null if there is no session.
create function {schema}.remove_client(p_key bytea, p_client text, p_now bigint) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_live boolean;
    v_done boolean;
    v_successor bytea;
begin
    loop
        update {schema}.sessions set clients = array_remove(clients, p_client)
        where key = p_key and gone_until_ms is null and expires_ms > p_now and p_client = any (clients);
        if found then
            return true;
        end if;
        select gone_until_ms is null and expires_ms > p_now, p_client <> all (clients), successor
        into v_live, v_done, v_successor
        from {schema}.sessions where key = p_key and (gone_until_ms is null or gone_until_ms > p_now);
        if v_live then
            if v_done then
                return false;
            end if;
            -- Somebody has just added it.
        elsif v_successor is not null then
            p_key := v_successor;
        else
            return null;
        end if;
    end loop;
end
$function$;
