-- release: delete the key if it still holds our value, in one atomic step, so
-- that a lease that has passed to somebody else is never deleted; and let the
-- next waiter have it. If somebody waits is written in the value: nobody is
-- looked for in vain.
--
-- A waiter leaves the queue with it too, or gives back what is reserved for it;
-- or, after an attempt that got too few nodes, gives back this one and keeps its
-- place in the queue, or what is reserved for it by now: its next attempt may have
-- been here before this one's release.
--
-- KEYS[1]  the key
-- KEYS[2]  the queue
-- ARGV[1]  our value
-- ARGV[2]  the waiter that we are, or ''
-- ARGV[3]  time of a reservation in ms; if negative, for how long the key is left to
--          clients that know of no queue
-- ARGV[4]  how long the queue is kept if nobody touches it, in ms, if the waiter
--          stays in it; else ''
-- ARGV[5]  who else is told to look after the reservation: 'next', 'last', 'both', or ''
-- returns  2 deleted, and reserved for the next | 1 deleted | 0 it was not ours:
--          absent, or another's
local ours, first = give_back(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if not ours then
  return 0
end
return first and 2 or 1
