-- Puts in deliveries of an end; gives how many of them are new.
-- KEYS: the end, waiting set, set of all, counts. ARGV: the end's 16 bytes, now, the same below zero, session id and subject, clients.

local new, known = {}, {}
for at = 5, #ARGV do
  local client = ARGV[at]
  if not known[client] and redis.call('HEXISTS', KEYS[1], 'c' .. client) == 0 then
    new[#new + 1] = client
  end
  known[client] = true
end
if #new == 0 then
  return 0
end

local now = ARGV[2]
redis.call('HSETNX', KEYS[1], 's', ARGV[4])
for _, client in ipairs(new) do
  local name = ARGV[1] .. client
  write({
    name = name, state = 'p', attempts = 0, turn = 0, created = now, due = now, free = now, settled = '', failure = '',
  })
  redis.call('ZADD', KEYS[2], now, name)
  redis.call('ZADD', KEYS[3], ARGV[3], name)
end
redis.call('HINCRBY', KEYS[4], 'p', #new)
return #new
