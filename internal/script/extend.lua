-- extend: reset the expiry if the key still holds our value. A node that lost
-- the key is told apart and left as it is: giving the key back is a request of
-- its own, so that an extension whose reply got lost can never have forged the
-- continuity that the next one reports (invariant I9). It also raises the
-- register of tokens, so that every node that a renewal reaches knows the
-- holder's token (I3).
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  our token
-- ARGV[4]  retention of the register in ms
-- returns  1 retained | 0 absent | the other holder's value, a string
local holder = redis.call('GET', KEYS[1])
if not holder then
  return 0
end
if holder ~= ARGV[1] and holder ~= 'rl1+' .. string.sub(ARGV[1], 5) then -- with or without the mark of a waiter
  return holder
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], 'GT', ARGV[3], 't')
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
