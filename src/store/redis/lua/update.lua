-- Gives a record another ticket and name, if it has the version that is expected.
-- KEYS: record. ARGV: now, the version, ticket, whether there is a name ('yes'), the name after its mark, the session for which the index
-- of names has it.

local record = read(KEYS[1])
if not is_live(record, tonumber(ARGV[1])) then
  return { 'missing' }
end
if record.version ~= ARGV[2] then
  return { 'conflict' }
end
local title = ARGV[4] == 'yes' and string.sub(ARGV[5], 9)
if title ~= record.title and ARGV[6] ~= record.identity then
  -- The index of names is elsewhere, and is written first.
  return { 'rename', record.identity, record.marked_title }
end

record.version = string.format('%.0f', tonumber(record.version) + 1)
redis.call('HSET', record.name, 't', ARGV[3])
if not title then
  redis.call('HDEL', record.name, 'n')
elseif title ~= record.title then
  redis.call('HSET', record.name, 'n', ARGV[5])
end
write_state(record)
return { 'updated', record.version }
