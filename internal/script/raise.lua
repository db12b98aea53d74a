-- raise: propose a token to a node that granted us the key, in the second
-- round, when the registers disagreed in the first. The node accepts if the
-- proposal is above all that it has seen. It answers only while the key is
-- ours: an acceptance that came after the key had passed on would prove nothing.
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- ARGV[1]  our value
-- ARGV[2]  the proposed token
-- ARGV[3]  retention of the register in ms
-- ARGV[4]  the last token of the block that is reserved with the proposed one
-- returns  {1, proposal} accepted | {0, register} it has seen one as high
--          | {-1} the key is not ours
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and holder ~= 'rl1+' .. string.sub(ARGV[1], 5) then -- with or without the mark of a waiter
  return {-1}
end
if redis.call('ZADD', KEYS[2], 'GT', 'CH', ARGV[2], 't') == 1 then
  if ARGV[4] ~= ARGV[2] then
    redis.call('ZADD', KEYS[2], 'GT', ARGV[4], 't')
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return {1, ARGV[2]}
end
return {0, redis.call('ZSCORE', KEYS[2], 't')}
