-- Puts a new record in the place of another. One more key: KEYS[6] is the old record, or the new one once more if there can be none.

local before = read(new.name)
if before.there then
  -- The second attempt of a caller that has lost a reply.
  return { 'replaced', before.created, clients_of(before), {} }
end
if is_remembered(before, tonumber(now)) then
  return { 'missing' }
end
local old = newest(KEYS[6], tonumber(now))
if is_live(old, tonumber(now)) and old.subject == new.subject then
  reach(old)
else
  old = nil
end

if not goes_on then
  local evicted = victims(old)
  if not evicted then
    return { 'denied' }
  end
  put(before)
  local ended = {}
  finish_all({ old }, 'replaced', ended)
  finish_all(evicted, 'limit_reached', ended)
  return { 'replaced', new.created, new.clients, ended }
end

if not old or old.session_id ~= new.session_id then
  return { 'missing' }
end
local title, place = false, nil
for at = 1, #new.fields, 2 do
  if new.fields[at] == 'n' then
    title, place = string.sub(new.fields[at + 1], 9), at
  end
end
if title ~= old.title and indexed ~= old.identity then
  -- The index of names is elsewhere, and is written first.
  return { 'rename', old.identity, old.marked_title }
end
if title and title == old.title then
  -- The entry in the index of names stays, and so does its mark.
  new.fields[place + 1] = old.marked_title
end

local known, clients = {}, clients_of(old)
for _, client in ipairs(clients) do
  known[client] = true
end
for _, client in ipairs(new.clients) do
  if not known[client] then
    known[client] = true
    clients[#clients + 1] = client
  end
end
new.clients, new.created, new.mark = clients, old.created, old.mark

put(before)
take_out(old)
bury(old, now, over, new.key)
return { 'replaced', new.created, clients, {} }
