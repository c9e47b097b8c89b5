-- Removes entries from the log of ends; gives how many were there.
-- KEYS: due set, log of ends. ARGV: events.

local known = 0
for _, event in ipairs(ARGV) do
  known = known + redis.call('ZREM', KEYS[1], event)
  redis.call('HDEL', KEYS[2], event, event .. 'n')
end
return known
