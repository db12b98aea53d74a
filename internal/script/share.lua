-- share: what the scripts of readers have in common, put behind queue.lua in front of
-- each of them.
--
-- While readers share the key K it holds "rl1=", and the sorted set {K}:r each reader's
-- value, scored by when it is over: in ms of the node's own clock. K lives as long as the
-- longest of them, so that "set if absent" is refused for as long as anybody reads. If K
-- holds anything else, {K}:r is of the past, and the next reader deletes it.

-- clock: the node's, in ms.
local function clock()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- reads: whether that reader's time is not over.
local function reads(readers, value, now)
  local over = redis.call('ZSCORE', readers, value)
  return over and tonumber(over) > now
end

-- share: let that reader read until then. Those whose time is over are gone.
local function share(key, queue, readers, value, now, ms, begin)
  local over = whole(now + ms)
  if begin then
    redis.call('DEL', readers)
    redis.call('ZREMRANGEBYSCORE', late(queue), 1, 'inf') -- who was to show itself when others read
    redis.call('SET', key, 'rl1=', 'PXAT', over)
    redis.call('ZADD', readers, over, value)
    redis.call('PEXPIREAT', readers, over)
    return
  end
  redis.call('ZREMRANGEBYSCORE', readers, '-inf', whole(now))
  redis.call('ZADD', readers, over, value)
  redis.call('PEXPIREAT', readers, over, 'GT')
  redis.call('PEXPIREAT', key, over, 'GT')
end

-- propose: a reader's token is to be above those of all writers before. The register has
-- the highest token that anybody proposed, 't'; what 't' was when a reader had
-- raised it, 'r'; and the highest that may be a writer's, 'w': if 't' is not 'r', a writer
-- has raised it since. A writer's token is to be above 't', and so above every reader's
-- before. Between readers there is no order. Returns 1 if the token is accepted, or 0, and
-- the highest that may be a writer's.
local function propose(register, token)
  local marks = redis.call('ZMSCORE', register, 't', 'r', 'w')
  local highest, writers = tonumber(marks[1] or 0), tonumber(marks[3] or 0)
  if marks[1] and marks[1] ~= marks[2] then
    redis.call('ZADD', register, marks[1], 'w')
    writers = highest
  end
  local mine = tonumber(token)
  if mine > highest then
    redis.call('ZADD', register, token, 't', token, 'r')
  end
  return mine > writers and 1 or 0, writers
end

-- barrier: who waits in front of that waiter (or at all, if it is none) and wants the key
-- alone. One that is in front of readers is asked to show itself, and if it does not it is
-- passed by: it may be frozen, and those who read now may do so for ever. It comes back by
-- its old ticket. Returns the waiter, or nil, and by when it is to show itself.
local function barrier(key, queue, waiter, now, ms)
  while true do
    local first = wake(key, queue)
    if not first or (waiter ~= '' and first >= waiter) then
      return nil
    end
    local by = tonumber(redis.call('ZSCORE', late(queue), first) or 0)
    if by > now or shares(first) then
      return first, by
    end
    if by == 0 and tell('?', first, key) then
      by = now + 3 * ms
      redis.call('ZADD', late(queue), whole(by), first)
      redis.call('PEXPIRE', late(queue), 4 * ms)
      return first, by
    end
    redis.call('ZREM', queue, first)
    redis.call('ZREM', late(queue), first)
  end
end
