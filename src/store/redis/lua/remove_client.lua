-- Takes a client out of a record, or of its newest successor.
-- KEYS: record. ARGV: now, client.

local record = newest(KEYS[1], tonumber(ARGV[1]))
if not is_live(record, tonumber(ARGV[1])) then
  return 'missing'
end
if redis.call('HDEL', record.name, 'c' .. ARGV[2]) == 0 then
  return 'unknown'
end
return 'removed'
