-- release: delete the key if it still holds our value. One atomic step, so
-- that a lease that has passed to somebody else is never deleted.
--
-- KEYS[1]  the key
-- ARGV[1]  our value
-- returns  1 deleted | 0 it was not ours: absent, or another's
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
