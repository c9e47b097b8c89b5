-- Appends a client to a record, or to its newest successor, if it is not there.
-- KEYS: record. ARGV: now, client.

local record = newest(KEYS[1], tonumber(ARGV[1]))
if not is_live(record, tonumber(ARGV[1])) then
  return 'missing'
end
record.ordinal = tonumber(record.ordinal) + 1
if redis.call('HSETNX', record.name, 'c' .. ARGV[2], record.ordinal) == 0 then
  return 'known'
end
write_state(record)
return 'added'
