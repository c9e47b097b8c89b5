-- Puts in deliveries of an end. $1: the end, $2: the clients, $3: the subject, $4: the session id, $5: now.
insert into {schema}.deliveries (event_id, client, subject, session_id, created_ms, due_ms, free_from_ms)
-- In this order, so that two who put in the same don't wait for each other in a circle.
select $1, client, $3, $4, $5, $5, $5
from (select distinct client collate "C" as client from unnest($2::text[]) as given(client)) as given
order by client
on conflict (event_id, client) do nothing
returning 1
