-- take: take the key if it is free, or reserved for us or for one that came
-- after us; else stand in the queue and learn who has it, and for how long. A
-- free key goes to the first in the queue, and only to us if we are that.
--
-- KEYS[1]  the key
-- KEYS[2]  the register of tokens
-- KEYS[3]  the queue
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  the proposed token
-- ARGV[4]  retention of the register in ms
-- ARGV[5]  the waiter that we are
-- ARGV[6]  time of a reservation in ms
-- ARGV[7]  how long the queue is kept if nobody touches it, in ms
-- ARGV[8]  the last token of the block that is reserved with the proposed one
-- returns  {1, 1} granted, and the token accepted | {1, 0, register} granted, and the node has
--          seen a token as high: the highest
--          | {0, holder, PTTL, rank} refused; rank is our place in the queue
local value, waiter = ARGV[1], ARGV[5]
local holder = redis.call('GET', KEYS[1])
if holder ~= value and holder ~= marked(value) then -- else it was sent twice
  local free = holder == 'rl1>' .. waiter
  local gap = not holder and left(KEYS[3])
  if gap then
    join(KEYS[3], waiter, ARGV[7])
    return {0, 'rl1>', gap, redis.call('ZRANK', KEYS[3], waiter)}
  end
  if not holder then
    local first = reserve(KEYS[1], KEYS[3], waiter, ARGV[6])
    holder = first and 'rl1>' .. first
    free = not first
  elseif not free and string.sub(holder, 1, 4) == 'rl1>' and waiter < string.sub(holder, 5) then
    join(KEYS[3], string.sub(holder, 5), ARGV[7])
    free = true
  end
  if not free then
    join(KEYS[3], waiter, ARGV[7])
    if string.sub(holder, 1, 4) == 'rl1.' then
      redis.call('SETRANGE', KEYS[1], 3, '+')
    elseif holder == 'rl1=' then
      appear(KEYS[3], KEYS[2], waiter, ARGV[3], ARGV[4])
    end
    return {0, holder, redis.call('PTTL', KEYS[1]), redis.call('ZRANK', KEYS[3], waiter)}
  end
  redis.call('ZREM', KEYS[3], waiter)
  if redis.call('EXISTS', KEYS[3]) == 1 then
    value = marked(value)
  end
  redis.call('SET', KEYS[1], value, 'PX', ARGV[2])
end
local accepted = redis.call('ZADD', KEYS[2], 'GT', 'CH', ARGV[3], 't')
if ARGV[8] ~= ARGV[3] then
  redis.call('ZADD', KEYS[2], 'GT', ARGV[8], 't')
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
if accepted == 0 then
  return {1, 0, redis.call('ZSCORE', KEYS[2], 't')}
end
return {1, 1}
