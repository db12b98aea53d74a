-- read_raise: propose a token to a node that lets us read, in the second round. See raise. If we hold
-- the key alone there, we are a writer that went on as a reader before this came: the token is a
-- writer's, and the key stays ours.
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- KEYS[3]  the readers
-- ARGV[1]  our value
-- ARGV[2]  the proposed token
-- ARGV[3]  retention of the register in ms
-- returns  {1, proposal} accepted | {0, highest} it has seen one of a writer as high
--          | {-1} we are no reader here
local holder = redis.call('GET', KEYS[1])
local accepted, highest
if holds(holder, ARGV[1]) then
  accepted = redis.call('ZADD', KEYS[2], 'GT', 'CH', ARGV[2], 't')
  highest = redis.call('ZSCORE', KEYS[2], 't')
elseif holder == 'rl1=' and reads(KEYS[3], ARGV[1], clock()) then
  accepted, highest = propose(KEYS[2], ARGV[2])
else
  return {-1}
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {accepted, accepted == 1 and ARGV[2] or whole(highest)}
