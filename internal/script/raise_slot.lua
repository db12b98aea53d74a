-- raise_slot: propose a token to a node that granted us a slot of a semaphore, in the second
-- round, as raise does it: it answers only while that slot is ours.
--
-- KEYS[1]  who has which slot
-- KEYS[2]  until when
-- KEYS[3]  the registers of tokens
-- ARGV[1]  our value
-- ARGV[2]  the proposed token
-- ARGV[3]  retention of the registers in ms
-- ARGV[4]  our slot
-- returns  {1, proposal} accepted | {0, register} it has seen one as high
--          | {-1} the slot is not ours
if slotOf(ARGV[1], clock()) ~= tonumber(ARGV[4]) then
  return {-1}
end
if redis.call('ZADD', KEYS[3], 'GT', 'CH', ARGV[2], ARGV[4]) == 1 then
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
  return {1, ARGV[2]}
end
return {0, redis.call('ZSCORE', KEYS[3], ARGV[4])}
