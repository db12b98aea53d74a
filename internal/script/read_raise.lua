-- read_raise: propose a token to a node that lets us read, in the second round. See raise.
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- KEYS[3]  the readers
-- ARGV[1]  our value
-- ARGV[2]  the proposed token
-- ARGV[3]  retention of the register in ms
-- returns  {1, proposal} accepted | {0, highest} it has seen one of a writer as high
--          | {-1} we are no reader here
if redis.call('GET', KEYS[1]) ~= 'rl1=' or not reads(KEYS[3], ARGV[1], clock()) then
  return {-1}
end
local accepted, highest = propose(KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {accepted, accepted == 1 and ARGV[2] or whole(highest)}
