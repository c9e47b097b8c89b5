-- Puts a new record in, if its key is free and the limit lets it.

local before = read(new.name)
if before.there or is_remembered(before, tonumber(now)) then
  return { 'exists' }
end
local evicted = victims(nil)
if not evicted then
  return { 'denied' }
end

put(before)
local ended = {}
finish_all(evicted, 'limit_reached', ended)
return { 'created', ended }
