-- all: what the scripts for several keys have in common, put in front of each of them
-- after queue. Their KEYS are n keys, then the n registers of tokens, then the n queues.
local n = #KEYS / 3
local function register(i) return KEYS[n + i] end
local function queue(i) return KEYS[2 * n + i] end

-- holds: whether the key holds the value, with or without the mark of a waiter.
local function holds(holder, value)
  return holder == value or holder == marked(value)
end

-- give_back: release for one of the keys. Returns whether it held the value, and for whom
-- it is reserved now.
local function give_back(i, value, waiter, ms, kept, deputy)
  local holder = redis.call('GET', KEYS[i])
  local ours, stays, first = holds(holder, value), kept ~= '', nil
  if waiter ~= '' and (ours or not stays) then
    quit(KEYS[i], queue(i), waiter, holder)
  end
  if not ours and (waiter == '' or stays or holder ~= 'rl1>' .. waiter) then
    return false
  end
  redis.call('DEL', KEYS[i])
  if holder ~= value then
    first = reserve(KEYS[i], queue(i), '', ms)
  end
  if stays then
    join(queue(i), waiter, kept)
  end
  appoint(first, KEYS[i], queue(i), deputy)
  return ours, first
end
