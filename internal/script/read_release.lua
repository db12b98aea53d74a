-- read_release: we read no more. The key lives as long as the longest of those who still do;
-- after the last it is deleted, and the next waiter may have it, as by release. It is ours to
-- delete, too, if we hold it alone: a writer that went on as a reader, and was not heard here.
--
-- KEYS[1]  the key
-- KEYS[2]  the queue
-- KEYS[3]  the readers
-- ARGV[1]  our value
-- ARGV[2]  the waiter that we are, or ''
-- ARGV[3]  time of a reservation in ms
-- ARGV[4]  how long the queue is kept if nobody touches it, in ms
-- ARGV[5]  who else is told to look after the reservation: 'next', 'last', 'both', or ''
-- ARGV[6]  '1' if the waiter stays in the queue, else ''
-- returns  2 released, the key is deleted, and reserved for the next | 1 released
--          | 0 it was not ours: absent, or another's, or others read it
local key, queue, readers = KEYS[1], KEYS[2], KEYS[3]
local value, waiter, stays = ARGV[1], ARGV[2], ARGV[6] ~= ''
local holder = redis.call('GET', key)
local ours = holds(holder, value)
local free = ours
if holder == 'rl1=' then
  redis.call('ZREMRANGEBYSCORE', readers, '-inf', whole(clock()))
  ours = redis.call('ZREM', readers, value) == 1
  free = redis.call('EXISTS', readers) == 0
end
if waiter ~= '' and (ours or not stays) then
  redis.call('ZREM', queue, waiter)
  redis.call('ZREM', late(queue), waiter)
  free = free or (not stays and holder == 'rl1>' .. waiter)
end
if free then
  redis.call('DEL', key)
  for _, called in ipairs(redis.call('ZRANGE', late(queue), 0, -1)) do
    if shares(called) then -- it is on its way, and goes before those who came later
      join(queue, called, ARGV[4])
    end
  end
  local first = reserve(key, queue, '', ARGV[3])
  if stays and ours then
    join(queue, waiter, ARGV[4])
  end
  appoint(first, key, queue, ARGV[5])
  return ours and (first and 2 or 1) or 0
end
if not ours then
  return 0
end
if stays then
  join(queue, waiter, ARGV[4])
end
local last = redis.call('ZRANGE', readers, -1, -1)[1]
local rest = redis.call('PTTL', key)
redis.call('PEXPIREAT', key, redis.call('ZSCORE', readers, last))
if rest - redis.call('PTTL', key) > tonumber(ARGV[3]) then -- who waits was told a longer time
  local first = redis.call('ZRANGE', queue, 0, 0)[1]
  if first then
    tell('?', first, key)
  end
end
return 1
