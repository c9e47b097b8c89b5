-- Version 1: the operations that take more than one statement. How they keep out of each other's way is told in 1_functions.sql.

-- Creates a session: 'created', with a further row for each session that had to end for it; 'exists' or 'denied'.
create function {schema}.create_session(
    p_key bytea, p_subject text, p_session_id text, p_version bigint, p_created bigint, p_renewed bigint, p_expires bigint,
    p_display_name text, p_folded_name text, p_user_agent text, p_address text, p_clients text[], p_ticket bytea,
    p_limit bigint, p_deny boolean, p_now bigint, p_gone_until bigint
) returns table (outcome text, ended {schema}.ended)
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_evicted bytea[] := '{}';
begin
    perform {schema}.lock_subject(p_subject, p_limit is not null);
    if p_limit is not null then
        v_evicted := {schema}.make_room(p_subject, p_limit, p_deny, p_key, p_now);
    end if;
    if v_evicted is null then
        -- Asked again after a lost reply, it is told that its own key is taken, though there is no room now.
        perform from {schema}.sessions where key = p_key and (gone_until_ms is null or gone_until_ms > p_now);
        outcome := case when found then 'exists' else 'denied' end;
    elsif {schema}.put(
        p_key, p_subject, p_session_id, p_version, p_created, p_renewed, p_expires,
        p_display_name, p_folded_name, p_user_agent, p_address, p_clients, p_ticket, p_now
    ) then
        outcome := 'created';
    else
        outcome := 'exists';
    end if;
    return next;
    if outcome = 'created' and cardinality(v_evicted) > 0 then
        return query select outcome, e from {schema}.finish(v_evicted, 'limit_reached', p_now, p_gone_until) as e;
    end if;
end
$function$;

-- Puts a session in the place of another: 'replaced', with what the new one has taken over, and a further row for each session that
-- has ended; 'missing' or 'denied'.
create function {schema}.replace_session(
    p_key bytea, p_subject text, p_session_id text, p_version bigint, p_created bigint, p_renewed bigint, p_expires bigint,
    p_display_name text, p_folded_name text, p_user_agent text, p_address text, p_clients text[], p_ticket bytea,
    p_old bytea, p_goes_on boolean, p_limit bigint, p_deny boolean, p_now bigint, p_gone_until bigint
) returns table (outcome text, created bigint, all_clients text[], ended {schema}.ended)
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    v_is_limited boolean := p_limit is not null and not p_goes_on;
    v_evicted bytea[] := '{}';
    v_old bytea;
    v_there record;
    v_is_there boolean;
begin
    perform {schema}.lock_subject(p_subject, v_is_limited);
    loop
        v_old := {schema}.newest(p_old, p_now);
        if v_is_limited then
            -- The old one does not count.
            v_evicted := {schema}.make_room(p_subject, p_limit, p_deny, v_old, p_now);
        end if;
        -- The second attempt of a caller that lost a reply is told what the first has done. We may just have waited for that.
        select created_ms, clients, gone_until_ms into v_there
        from {schema}.sessions where key = p_key and (gone_until_ms is null or gone_until_ms > p_now);
        if found then
            outcome := case when v_there.gone_until_ms is null then 'replaced' else 'missing' end;
            created := v_there.created_ms;
            all_clients := v_there.clients;
            return next;
            return;
        end if;

        select expires_ms, session_id, created_ms, clients into v_there
        from {schema}.sessions where key = v_old and gone_until_ms is null and subject = p_subject for update;
        v_is_there := found and v_there.expires_ms > p_now and (v_there.session_id = p_session_id or not p_goes_on);
        -- Somebody may have been quicker, and replaced it.
        continue when not v_is_there and {schema}.newest(p_old, p_now) <> v_old;

        if p_goes_on and not v_is_there then
            outcome := 'missing';
            return next;
            return;
        elsif v_evicted is null then
            outcome := 'denied';
            return next;
            return;
        end if;

        created := p_created;
        all_clients := p_clients;
        if p_goes_on then
            created := v_there.created_ms;
            all_clients := v_there.clients || array(
                select own from unnest(p_clients) with ordinality as added(own, place)
                where own <> all (v_there.clients) order by place);
        end if;
        exit when {schema}.put(
            p_key, p_subject, p_session_id, p_version, created, p_renewed, p_expires,
            p_display_name, p_folded_name, p_user_agent, p_address, all_clients, p_ticket, p_now
        );
        -- The first attempt was still under way, and is done now.
    end loop;

    outcome := 'replaced';
    return next;
    if p_goes_on then
        perform {schema}.bury(array[v_old], p_key, p_gone_until);
    elsif v_is_there then
        return query select outcome, created, all_clients, e
            from {schema}.finish(array[v_old], 'replaced', p_now, p_gone_until) as e;
    end if;
    if cardinality(v_evicted) > 0 then
        return query select outcome, created, all_clients, e
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
    -- As many steps as `newest` takes.
    for step in 1 .. 10000 loop
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
    return null;
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
    -- As many steps as `newest` takes.
    for step in 1 .. 10000 loop
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
    return null;
end
$function$;
