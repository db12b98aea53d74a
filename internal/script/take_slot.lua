-- take_slot: take one of a semaphore's slots, if one is free, or reserved for us or for one
-- that came after us; else stand in the queue, if we are a waiter, and learn when the first
-- slot will be free. A free slot goes to the first in the queue that may have it, and
-- only to us if that is us.
--
-- Which slot: the one that is reserved for us, and else the next from a number on that
-- is the same for all nodes: as nearly the same slots are in use on each, a majority most
-- often chooses the same. Two kinds are asked for by name. One that is wanted, as other
-- nodes have granted it before, goes before what is reserved for us. Of one that we must
-- have, as it is ours on other nodes, we get that or none: what else is ours here goes
-- to the next.
--
-- KEYS[1]  who has which slot
-- KEYS[2]  until when
-- KEYS[3]  the registers of tokens
-- KEYS[4]  the queue
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  the proposed token
-- ARGV[4]  retention of the registers in ms
-- ARGV[5]  K, how many slots there are
-- ARGV[6]  the slot to begin at, below K
-- ARGV[7]  'any' from there on, or 'want', or 'must': that one
-- ARGV[8]  the waiter that we are, or ''
-- ARGV[9]  time of a reservation in ms
-- ARGV[10] how long the queue is kept if nobody touches it, in ms
-- ARGV[11] the key, as pushes name it
-- returns  {1, accepted, slot} granted; accepted as ZADD says it of the token: 1 | 0
--          | {0, ms, reserved, rank} refused; the first slot will be free in so many ms, and is
--          reserved until then, or held: 1 | 0; rank is our place in the queue, or -1
local value, waiter = ARGV[1], ARGV[8]
local k, hint, how = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local own = 'rl1>' .. waiter
local now = clock()
purge(now)

local function give(slot, before)
  return bequeath(KEYS[4], slot, before, now, ARGV[9], ARGV[11])
end

-- oust: whom a slot is reserved for goes back into the queue, if it came after us. Returns
-- whether nobody has the slot now.
local function oust(slot)
  local holder = holderOf(slot)
  if not holder then
    return true
  end
  local other = string.sub(holder, 5)
  if waiter == '' or string.sub(holder, 1, 4) ~= 'rl1>' or waiter > other then
    return false
  end
  drop(holder)
  if other ~= waiter then
    join(KEYS[4], other, ARGV[10])
  end
  return true
end

-- free: the next slot that is not somebody's who stands in the queue before us.
local function free()
  while true do
    local slot = gap(hint, k) or gap(0, hint)
    if not slot or not give(slot, waiter) then
      return slot
    end
  end
end

-- later: the slot that is reserved for the last of those who came after us.
local function later()
  local last, slot = waiter, nil
  for _, holder in ipairs(redis.call('ZRANGE', KEYS[2], now, now + ARGV[9], 'BYSCORE', 'LIMIT', 0, 64)) do
    local at = slotOf(holder, now)
    if at and at < k and string.sub(holder, 1, 4) == 'rl1>' and string.sub(holder, 5) > last then
      last, slot = string.sub(holder, 5), at
    end
  end
  return slot and oust(slot) and slot
end

local slot = slotOf(value, now)
if not slot or (how == 'must' and slot ~= hint) then -- else it was sent twice
  local had, kept = slot, nil
  if waiter ~= '' then
    kept = slotOf(own, now)
  end
  slot = nil
  if how == 'must' then
    drop(value)
    slot = oust(hint) and hint
  elseif kept and (how == 'any' or kept == hint) then
    slot = kept
  elseif how == 'want' and (holderOf(hint) or not give(hint, waiter)) and oust(hint) then
    slot = hint
  else
    slot = kept or free() or (how == 'any' and waiter ~= '' and later())
  end
  if waiter ~= '' and (slot or how == 'must') then
    redis.call('ZREM', KEYS[4], waiter)
    drop(own)
  end
  if slot then
    put(slot, value, now + ARGV[2])
  end
  if kept and kept ~= slot and (slot or how == 'must') then
    give(kept, '')
  end
  if had then
    give(had, '')
  end
end
if slot then
  local accepted = redis.call('ZADD', KEYS[3], 'GT', 'CH', ARGV[3], slot)
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
  keep(now)
  return {1, accepted, slot}
end

local rank = -1
if waiter ~= '' and how ~= 'must' then
  join(KEYS[4], waiter, ARGV[10])
  rank = redis.call('ZRANK', KEYS[4], waiter)
end
keep(now)
-- Those who stand further behind leave it to the first two to look after a reservation.
local first
for i = 0, 19 do
  local holder, till = unpack(redis.call('ZRANGE', KEYS[2], i, i, 'WITHSCORES'))
  if not holder then
    break
  end
  local reserved = string.sub(holder, 1, 4) == 'rl1>'
  local counts = tonumber(redis.call('ZSCORE', KEYS[1], holder) or k) < k and (rank < 2 or not reserved)
  if counts or not first then
    first = {0, math.max(0, till - now), reserved and 1 or 0, rank}
  end
  if counts then
    break
  end
end
return first or {0, 0, 0, rank}
