-- evict_slot: take a slot of a semaphore from the value that was seen with it, and from
-- no other, as evict takes a key, in one atomic step: release_slot follows, which gives
-- it back for that value. What is raised is the slot's register.
--
-- KEYS, ARGV  those of release_slot
-- KEYS[4]     the registers of tokens
-- ARGV[7]     a token above all of that holder's
-- ARGV[8]     retention of the registers in ms
-- ARGV[9]     the slot
-- returns     {0, holder} another has the slot | {-1, register} it has seen a token as high: nothing
--             was done | what release_slot does
do
  local other = holderOf(ARGV[9])
  if other and other ~= ARGV[1] and string.sub(other, 1, 4) ~= 'rl1>' and slotOf(other, clock()) then
    return {0, other}
  end
  local refused = above(KEYS[4], ARGV[7], ARGV[8], ARGV[9])
  if refused then
    return refused
  end
end
