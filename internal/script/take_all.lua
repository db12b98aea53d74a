-- take_all: take all of the keys, each by the rules of take, or none of them. Who has to wait stands in
-- the queue of each key that is another's, and of no other; and what is reserved for it
-- is kept for it a little longer: the rest may come while it is.
--
-- KEYS     see all
-- ARGV[1]  our value, the same for all of them
-- ARGV[2]  TTL in ms
-- ARGV[3]  the proposed token, the same for all of them
-- ARGV[4]  retention of the registers in ms
-- ARGV[5]  the waiter that we are, or '' if we do not wait: then we take what is free, as SET NX does
-- ARGV[6]  time of a reservation in ms
-- ARGV[7]  how long a queue is kept if nobody touches it, in ms
-- ARGV[8]  for how long, in ms, what is reserved for us is kept if we are refused
-- returns  {1, 1} granted, and each register accepted the token | {1, 0, register} granted, and
--          one has seen a token as high: the highest
--          | {0, holder, PTTL, rank, index} refused: who has the key, of those that are
--          another's, that will be so for longest; our place in its queue; which it is, from 1
local value, waiter = ARGV[1], ARGV[5]
local ours, kept, free, later, busy = {}, {}, {}, {}, {}
local holder, rest, where
for i = 1, n do
  local has = redis.call('GET', KEYS[i])
  local reserved = has and string.sub(has, 1, 4) == 'rl1>' and string.sub(has, 5)
  local gap = not has and waiter ~= '' and left(queue(i))
  if gap then
    has, reserved = 'rl1>', ''
  elseif not has and waiter ~= '' then
    reserved = reserve(KEYS[i], queue(i), waiter, ARGV[6])
    has = reserved and 'rl1>' .. reserved
  end
  if has and holds(has, value) then
    ours[i] = true -- it was sent twice, or this node has lost some of them
  elseif has and reserved == waiter then
    kept[#kept + 1] = i
  elseif reserved and waiter ~= '' and waiter < reserved then
    later[i] = reserved
  elseif has then
    local ms = gap or redis.call('PTTL', KEYS[i])
    busy[#busy + 1] = {i, has}
    if not where or ms < 0 or (rest >= 0 and ms > rest) then
      holder, rest, where = has, ms, i
    end
  else
    free[#free + 1] = i
  end
end
if where then
  for i = 1, n do
    if ours[i] then
      give_back(KEYS[i], queue(i), value, '', ARGV[6], '', 'both') -- all or none
    end
  end
  local rank = 0
  if waiter ~= '' then
    for _, b in ipairs(busy) do
      join(queue(b[1]), waiter, ARGV[7])
      if string.sub(b[2], 1, 4) == 'rl1.' then
        redis.call('SETRANGE', KEYS[b[1]], 3, '+')
      elseif b[2] == 'rl1=' then
        appear(queue(b[1]), register(b[1]), waiter, ARGV[3], ARGV[4])
      end
    end
    for _, i in ipairs(free) do
      redis.call('ZREM', queue(i), waiter)
    end
    for _, i in ipairs(kept) do
      redis.call('PEXPIRE', KEYS[i], ARGV[8])
    end
    rank = redis.call('ZRANK', queue(where), waiter)
  end
  return {0, holder, rest, rank, where}
end
local highest -- of the registers that have seen a token as high
for i = 1, n do
  if ours[i] then
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  else
    if later[i] then
      join(queue(i), later[i], ARGV[7])
    end
    if waiter ~= '' then
      redis.call('ZREM', queue(i), waiter)
    end
    local text = value
    if redis.call('EXISTS', queue(i)) == 1 then
      text = marked(value)
    end
    redis.call('SET', KEYS[i], text, 'PX', ARGV[2])
  end
  if redis.call('ZADD', register(i), 'GT', 'CH', ARGV[3], 't') == 0 then
    local seen = redis.call('ZSCORE', register(i), 't')
    if not highest or tonumber(seen) > tonumber(highest) then
      highest = seen
    end
  end
  redis.call('PEXPIRE', register(i), ARGV[4])
end
if highest then
  return {1, 0, highest}
end
return {1, 1}
