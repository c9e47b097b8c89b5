-- Notes a sign of life, if one is due, and gives all that is under the record's name.

touch()
return redis.call('HGETALL', KEYS[1])
