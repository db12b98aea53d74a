-- slots: what the scripts of a semaphore have in common, put in front of each of them
-- behind queue.lua.
--
-- A semaphore of K slots is K locks that have one name. Beside the key, which stays
-- the plain lock's, a node keeps three sorted sets of it and a queue:
--
--   {key}:s   who has which slot: a value, scored by the number of its slot
--   {key}:sx  until when: a value, scored by the ms of the node's clock that it lives through
--   {key}:st  the registers of tokens: the number of a slot, scored by the highest token
--   {key}:sq  the queue, as queue.lua has it; the names of its waiters end with ".s" and K
--
-- A slot that is reserved is held by "rl1>" and the waiter's name, as a key would be; the
-- waiter is told its number behind the key. No slot
-- is held by two values and no value holds two, so that as many slots of a range are
-- in use as values have them for a score. The first two sets live a second longer than
-- the last of what they hold: so nothing hangs on the moment at which they go.

-- clock: the node's, in ms.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- slotOf: the slot of a value, nil if it has none or its time is over.
local function slotOf(value, now)
  local slot = redis.call('ZSCORE', KEYS[1], value)
  if slot and tonumber(redis.call('ZSCORE', KEYS[2], value) or 0) >= now then
    return tonumber(slot)
  end
end

-- holderOf: the value that has a slot, dead or alive; nil if none does.
local function holderOf(slot)
  return redis.call('ZRANGE', KEYS[1], slot, slot, 'BYSCORE')[1]
end

-- purge: forget whose time is over.
local function purge(now)
  local dead
  repeat
    dead = redis.call('ZRANGE', KEYS[2], '-inf', '(' .. now, 'BYSCORE', 'LIMIT', 0, 1000)
    if #dead > 0 then
      redis.call('ZREM', KEYS[1], unpack(dead))
      redis.call('ZREM', KEYS[2], unpack(dead))
    end
  until #dead < 1000
end

-- put: a slot that nobody has is the value's, until then. What it had before is free.
local function put(slot, value, till)
  redis.call('ZADD', KEYS[1], slot, value)
  redis.call('ZADD', KEYS[2], till, value)
end

local function drop(value)
  redis.call('ZREM', KEYS[1], value)
  redis.call('ZREM', KEYS[2], value)
end

-- keep: let the sets live for as long as what they hold.
local function keep(now)
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
  if last then
    local ms = math.max(0, last - now) + 1000
    redis.call('PEXPIRE', KEYS[1], ms)
    redis.call('PEXPIRE', KEYS[2], ms)
  end
end

-- limit: the K that a waiter goes by.
local function limit(waiter)
  return tonumber(string.match(waiter, '%.s(%d+)$')) or 0
end

-- gap: the first slot from one on, and before another, that nobody has; nil if there
-- is none. It doubles its steps and then halves them: it counts as often as the
-- distance to the gap has binary digits, twice.
local function gap(from, to)
  local step = 1
  while from < to do
    local till = math.min(from + step, to)
    if redis.call('ZCOUNT', KEYS[1], from, till - 1) < till - from then
      while till - from > 1 do
        local middle = math.floor((from + till) / 2)
        if redis.call('ZCOUNT', KEYS[1], from, middle - 1) < middle - from then
          till = middle
        else
          from = middle
        end
      end
      return from
    end
    from, step = till, step * 2
  end
end

-- bequeath: a slot is free. Reserve it for the first in the queue that may have it and is
-- listening, and tell it; those that are not listening are dead, and those that go by a K
-- that is too small keep their place. Only waiters before a name are looked
-- at, if one is given. Returns the waiter, or nil.
local function bequeath(queue, slot, before, now, ms, key)
  local at = 0
  while true do
    local waiter = redis.call('ZRANGE', queue, at, at)[1]
    if not waiter or (before ~= '' and waiter >= before) then
      return nil
    end
    if limit(waiter) <= slot then
      at = at + 1
    else
      redis.call('ZREM', queue, waiter)
      if not slotOf('rl1>' .. waiter, now) and tell('+', waiter, key .. ' ' .. slot) then
        put(slot, 'rl1>' .. waiter, now + ms)
        return waiter
      end
    end
  end
end
