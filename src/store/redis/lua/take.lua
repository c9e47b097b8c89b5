-- Takes entries from the log of ends and hides them for the time of a lease.
-- KEYS: due set, log of ends. ARGV: now, the end of the lease, events.

local taken = {}
for at = 3, #ARGV do
  local event = ARGV[at]
  local due = redis.call('ZSCORE', KEYS[1], event)
  if due and tonumber(due) <= tonumber(ARGV[1]) then
    local told = redis.call('HGET', KEYS[2], event)
    if told then
      local attempts = redis.call('HINCRBY', KEYS[2], event .. 'n', 1)
      redis.call('ZADD', KEYS[1], ARGV[2], event)
      taken[#taken + 1] = { event, told, attempts }
    else
      redis.call('ZREM', KEYS[1], event)
    end
  end
end
return taken
