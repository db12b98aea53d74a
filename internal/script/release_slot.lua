-- release_slot: give back what a value holds of a semaphore, whichever slot that is, in one
-- atomic step, so that a slot that has passed to somebody else is never touched; and let
-- the next waiter have it.
--
-- A waiter leaves the queue with it too, or gives back what is reserved for it;
-- or, after an attempt that got too few nodes, gives back this one and keeps its
-- place in the queue, or what is reserved for it by now.
--
-- KEYS[1]  who has which slot
-- KEYS[2]  until when
-- KEYS[3]  the queue
-- ARGV[1]  our value
-- ARGV[2]  the waiter that we are, or ''
-- ARGV[3]  time of a reservation in ms
-- ARGV[4]  how long the queue is kept if nobody touches it, in ms, if the waiter
--          stays in it; else ''
-- ARGV[5]  who else is told to look after the reservation: 'next', 'last', 'both', or ''
-- ARGV[6]  the key, as pushes name it
-- returns  2 deleted, and reserved for the next | 1 deleted | 0 it was not ours, or not any more
local value, waiter = ARGV[1], ARGV[2]
local stays = ARGV[4] ~= ''
local now = clock()
local slot = slotOf(value, now)
if waiter ~= '' and (slot or not stays) then
  redis.call('ZREM', KEYS[3], waiter)
end
local given
-- give: nobody has the slot of a value any more. The next may have it.
local function give(of)
  local freed = slotOf(of, now)
  drop(of)
  if freed and bequeath(KEYS[3], freed, '', now, ARGV[3], ARGV[6]) then
    given = true
  end
end
give(value)
if waiter ~= '' and not stays then
  give('rl1>' .. waiter)
end
if stays and slot then
  join(KEYS[3], waiter, ARGV[4])
end
if given then
  keep(now)
end
local deputies = {next = {0}, last = {-1}, both = {0, -1}}
for _, index in ipairs(given and deputies[ARGV[5]] or {}) do
  repeat -- until one is listening
    local deputy = redis.call('ZRANGE', KEYS[3], index, index)[1]
  until not deputy or tell('?', deputy, ARGV[6]) or redis.call('ZREM', KEYS[3], deputy) == 0
end
return slot and (given and 2 or 1) or 0
