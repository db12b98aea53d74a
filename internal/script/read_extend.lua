-- read_extend: let us read for longer, if our time is not over. Else a node that lost us is
-- told apart and left as it is, as by extend. What we hold alone becomes ours to share,
-- without a moment in between in which the key is anybody else's: then we are a writer that
-- goes on as a reader, and the readers that wait in front of the queue may come.
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- KEYS[3]  the queue
-- KEYS[4]  the readers
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  our token
-- ARGV[4]  retention of the register in ms
-- returns  1 retained | 0 absent | the other holder's value, a string
local value, now = ARGV[1], clock()
local holder = redis.call('GET', KEYS[1])
if not holder then
  return 0
end
local alone = holds(holder, value)
if not alone and holder ~= 'rl1=' then
  return holder
end
if not alone and not reads(KEYS[4], value, now) then
  return 0
end
share(KEYS[1], KEYS[3], KEYS[4], value, now, tonumber(ARGV[2]), alone)
if alone then
  redis.call('ZADD', KEYS[2], 'GT', ARGV[3], 't') -- a writer's
  wake(KEYS[1], KEYS[3])
else
  propose(KEYS[2], ARGV[3])
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
