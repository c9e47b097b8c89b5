-- Removes entries from the log of ends that tell of ends before a time; gives how many. Looks at some that are to be taken first.
-- KEYS: due set, log of ends. ARGV: the time.

local removed = 0
for _, event in ipairs(redis.call('ZRANGE', KEYS[1], 0, 999)) do
  local told = redis.call('HGET', KEYS[2], event)
  -- An account begins with its time; see `ending.lua`.
  local at = told and string.match(told, '^x%d+:(%-?%d+)')
  if not at or tonumber(at) < tonumber(ARGV[1]) then
    redis.call('ZREM', KEYS[1], event)
    redis.call('HDEL', KEYS[2], event, event .. 'n')
    removed = removed + 1
  end
end
return removed
