-- read_take: share the key with those who read it, if it is free, or reserved for us or
-- for one that came after us, or others read it, and nobody waits in front of us who wants
-- it alone; else stand in the queue, if we are a waiter, and learn who has it, and for how
-- long. What we hold alone becomes ours to share (see read_extend).
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- KEYS[3]  the queue
-- KEYS[4]  the readers
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  the proposed token
-- ARGV[4]  retention of the register in ms
-- ARGV[5]  the waiter that we are, or '': then we do not stand in the queue
-- ARGV[6]  time of a reservation in ms
-- ARGV[7]  how long the queue is kept if nobody touches it, in ms
-- returns  {1, accepted, highest} granted; accepted: 1 | 0 the token is not above the highest
--          that is known of writers
--          | {0, holder, PTTL, rank} refused; rank is our place in the queue, or -1
local key, queue, readers = KEYS[1], KEYS[3], KEYS[4]
local value, waiter = ARGV[1], ARGV[5]
local now = clock()
local holder = redis.call('GET', key)
local ours = holds(holder, value)
if not ours and not (holder == 'rl1=' and reads(readers, value, now)) then -- else it was sent twice
  if waiter ~= '' then
    redis.call('ZREM', queue, waiter)
    redis.call('ZREM', late(queue), waiter)
  end
  local gap = not holder and waiter ~= '' and left(queue)
  if gap then
    join(queue, waiter, ARGV[7])
    return {0, 'rl1>', gap, redis.call('ZRANK', queue, waiter)}
  end
  if not holder then
    local first = reserve(key, queue, waiter, ARGV[6])
    holder = first and 'rl1>' .. first
  end
  local kept = holder and string.sub(holder, 1, 4) == 'rl1>' and string.sub(holder, 5)
  local free = not holder or kept == waiter
  local by = 0
  if not free and (holder == 'rl1=' or kept and shares(kept)) then
    local first
    first, by = barrier(key, queue, waiter, now, tonumber(ARGV[6]))
    free = not first
    if free and kept then
      called(queue, kept) -- it was, and shares the key with us when it comes
    end
  elseif not free and kept and waiter ~= '' and waiter < kept then
    join(queue, kept, ARGV[7])
    free = true
  end
  if not free then
    local rank = -1
    if waiter ~= '' then
      join(queue, waiter, ARGV[7])
      rank = redis.call('ZRANK', queue, waiter)
      if string.sub(holder, 1, 4) == 'rl1.' then
        redis.call('SETRANGE', key, 3, '+')
      end
    end
    local rest = redis.call('PTTL', key)
    if by > now and rank == 1 then -- the next one looks after the one that is to show itself
      rest = math.min(rest, by - now)
    end
    return {0, holder, rest, rank}
  end
  ours = true
end
if ours then
  share(key, queue, readers, value, now, tonumber(ARGV[2]), holder ~= 'rl1=')
end
wake(key, queue)
local accepted, highest = propose(KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {1, accepted, whole(highest)}
