-- evict: take the key from whoever holds it by the value that was seen, and from
-- nobody else, and let the next waiter have it. The register of tokens is raised in the
-- same step, so that whoever is granted the key here after that has a token above the
-- given one.
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- KEYS[3]  the queue
-- ARGV[1]  the value that was seen, without a mark
-- ARGV[2]  a token above all of that holder's
-- ARGV[3]  retention of the register in ms
-- ARGV[4]  time of a reservation in ms
-- ARGV[5]  who else is told to look after the reservation, as in release
-- returns  {2} deleted, and reserved for the next | {1} deleted | {0} nobody holds it
--          | {0, holder} another does | {-1, register} it has seen one as high: nothing was done
local value = ARGV[1]
local holder = redis.call('GET', KEYS[1])
local seen = holder == value or string.sub(value, 1, 4) == 'rl1.' and holder == marked(value)
if holder and not seen and string.sub(holder, 1, 4) ~= 'rl1>' then
  return {0, holder}
end
local refused = above(KEYS[2], ARGV[2], ARGV[3], 't')
if refused then
  return refused
end
if not seen then
  return {0}
end
redis.call('DEL', KEYS[1])
local first = reserve(KEYS[1], KEYS[3], '', ARGV[4])
appoint(first, KEYS[1], KEYS[3], ARGV[5])
return {first and 2 or 1}
