-- Stands before the scripts that note a sign of life. They are short, since most of them find that none is due.
-- KEYS: record, expiry set. ARGV: now, how old the last sign of life must be, the expiry.

local function touch()
  local found = redis.call('HMGET', KEYS[1], 'i', 'm')
  local renewed, expires, rest = string.match(found[2] or '', '^(%-?%d+) (%-?%d+)( %d+ %d+)$')
  local is_whole = renewed and string.find(found[1] or '', '^%-?%d+ %S+ ........')
  if not (is_whole and tonumber(expires) > tonumber(ARGV[1])) then
    return 'missing'
  end
  if tonumber(renewed) + tonumber(ARGV[2]) > tonumber(ARGV[1]) then
    return 'not due'
  end
  if tonumber(ARGV[3]) > tonumber(expires) then
    expires = ARGV[3]
    redis.call('ZADD', KEYS[2], expires, string.sub(KEYS[1], -32))
  end
  redis.call('HSET', KEYS[1], 'm', ARGV[1] .. ' ' .. expires .. rest)
  return 'touched'
end
