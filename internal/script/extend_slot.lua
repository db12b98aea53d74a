-- extend_slot: hold a slot of a semaphore for longer, if our value still has that one.
-- A node that lost it, or has another for us, is told apart and left as it is, as extend
-- does it (invariant I9). It also raises the slot's register of tokens (I3).
--
-- KEYS[1]  who has which slot
-- KEYS[2]  until when
-- KEYS[3]  the registers of tokens
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  our token
-- ARGV[4]  retention of the registers in ms
-- ARGV[5]  our slot
-- returns  1 retained | 0 absent | the value that has our slot, a string
local now = clock()
local slot = tonumber(ARGV[5])
if slotOf(ARGV[1], now) ~= slot then
  local holder = holderOf(slot)
  return holder and holder ~= ARGV[1] and slotOf(holder, now) and holder or 0
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[3], 'GT', ARGV[3], ARGV[5])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
keep(now)
return 1
