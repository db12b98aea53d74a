-- queue: what take, release and evict have in common, put in front of each of them.
--
-- Beside the key K a node keeps a queue, the sorted set {K}:q. Its members are
-- waiters, each scored by its ticket and named
--
--   <ticket, 16 digits>.<process, 24 hex digits>.<number>
--
-- so that names sort as tickets do. A waiter's process listens to the channel
-- redlock:wake:<process>. A key whose turn is somebody's holds "rl1>" and that
-- waiter's name, for the time of a reservation. A holder's value begins with
-- "rl1." or, if somebody may wait for it, with "rl1+". While readers share the key it
-- holds "rl1=", and who they are stands elsewhere: see share.lua.
--
-- Where clients of other libraries want K as well, it is left to them from time to
-- time: {K}:q:left lives for as long as that. They find no K, and whoever takes by script
-- is refused as if it were reserved, for nobody: "rl1>".

-- tell: say something to a waiter's process. Returns whether it listens. Where we may
-- not publish nobody is told, and waiters wake by their own timers.
local function tell(what, waiter, key)
  local receivers = redis.pcall('PUBLISH', 'redlock:wake:' .. string.sub(waiter, 18, 41), what .. waiter .. ' ' .. key)
  return type(receivers) == 'number' and receivers > 0
end

-- shares: whether a waiter wants to read, by the end of its name: in no other name
-- there is a dot behind the process.
local function shares(waiter)
  return string.find(waiter, '.r', 44, true) ~= nil
end

-- late: the set of those who were called and have not come yet, {K}:q:late. It is kept for
-- longer than they have time to come.
local function late(queue)
  return queue .. ':late'
end

-- called: that reader was told that it may come.
local function called(queue, waiter)
  redis.call('ZADD', late(queue), 0, waiter)
  redis.call('PEXPIRE', late(queue), 2000)
end

-- wake: the key is shared, or about to be. The readers in front of the queue may come,
-- up to the next that wants it alone: a hundred of them now, as each that comes wakes
-- more. Returns who is the first after them, or nil.
local function wake(key, queue)
  local woken = 0
  while true do
    local first = redis.call('ZRANGE', queue, 0, 0)[1]
    if not first or not shares(first) or woken == 100 then
      return first
    end
    redis.call('ZREM', queue, first)
    if tell('+', first, key) then
      called(queue, first)
    end
    woken = woken + 1
  end
end

-- quit: a waiter leaves the queue. Readers may have waited behind it.
local function quit(key, queue, waiter, holder)
  redis.call('ZREM', queue, waiter)
  if shares(waiter) then
    redis.call('ZREM', late(queue), waiter)
  end
  if holder == 'rl1=' then
    wake(key, queue)
  end
end

-- appear: a waiter that wants the key alone waits behind those who read. It is alive; and
-- readers that go before it by an old ticket do so once: their token is to be above this
-- one, and their next ticket is no less than that.
local function appear(queue, register, waiter, token, retention)
  redis.call('ZREM', late(queue), waiter)
  redis.call('ZADD', register, 'GT', token, 't', token, 'w')
  redis.call('PEXPIRE', register, retention)
end

-- reserve: the key is free. Give it to the first waiter that is listening, and
-- tell it; those that are not are dead. Only waiters before a name are looked
-- at, if one is given. If it is a reader's, those behind it may come too. Returns the
-- waiter, or nil.
local function reserve(key, queue, before, ms)
  while true do
    local first = redis.call('ZRANGE', queue, 0, 0)[1]
    if not first or (before ~= '' and first >= before) then
      return nil
    end
    redis.call('ZREM', queue, first)
    if tell('+', first, key) then
      redis.call('SET', key, 'rl1>' .. first, 'PX', ms)
      if shares(first) then
        wake(key, queue)
      end
      return first
    end
  end
end

-- leave: leave the key, which is free, to others.
local function leave(queue, ms)
  redis.call('SET', queue .. ':left', '1', 'PX', ms)
end

-- left: for how many ms yet the key is left to others.
local function left(queue)
  local ms = redis.call('PTTL', queue .. ':left')
  return ms > 0 and ms or nil
end

-- join: put a waiter into the queue, in the order of the tickets.
local function join(queue, waiter, ms)
  redis.call('ZADD', queue, string.sub(waiter, 1, 16), waiter)
  redis.call('PEXPIRE', queue, ms)
end

-- appoint: the key is reserved for the first, or left to others. Tell others to look after
-- that: the next, the last, or both of those who still wait.
local function appoint(first, key, queue, who)
  local deputies = {next = {0}, last = {-1}, both = {0, -1}}
  for _, index in ipairs(first and deputies[who] or {}) do
    repeat -- until one is listening
      local deputy = redis.call('ZRANGE', queue, index, index)[1]
    until not deputy or tell('?', deputy, key) or redis.call('ZREM', queue, deputy) == 0
  end
end

-- marked: the value as it stands on the node when somebody may wait for it.
local function marked(value)
  return 'rl1+' .. string.sub(value, 5)
end

-- holds: whether the key holds the value, with or without the mark of a waiter.
local function holds(holder, value)
  return holder == value or holder == marked(value)
end

-- give_back: delete the key if it holds the value, or is reserved for the waiter that we
-- are, and let the next one have it: see release. Returns whether it held the value, and for
-- whom it is reserved now.
local function give_back(key, queue, value, waiter, ms, kept, deputy)
  local holder = redis.call('GET', key)
  local ours, stays = holds(holder, value), kept ~= ''
  if waiter ~= '' and (ours or not stays) then
    quit(key, queue, waiter, holder)
  end
  if not ours and (waiter == '' or stays or holder ~= 'rl1>' .. waiter) then
    return false
  end
  redis.call('DEL', key)
  local first
  local gap = string.sub(ms, 1, 1) == '-'
  if gap then
    leave(queue, string.sub(ms, 2))
  elseif holder ~= value then
    first = reserve(key, queue, '', ms)
  end
  if stays then
    join(queue, waiter, kept)
  end
  appoint(first or gap, key, queue, deputy)
  return ours, first
end
