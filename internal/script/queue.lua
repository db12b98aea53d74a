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
-- "rl1." or, if somebody may wait for it, with "rl1+".
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

-- reserve: the key is free. Give it to the first waiter that is listening, and
-- tell it; those that are not are dead. Only waiters before a name are looked
-- at, if one is given. Returns the waiter, or nil.
local function reserve(key, queue, before, ms)
  while true do
    local first = redis.call('ZRANGE', queue, 0, 0)[1]
    if not first or (before ~= '' and first >= before) then
      return nil
    end
    redis.call('ZREM', queue, first)
    if tell('+', first, key) then
      redis.call('SET', key, 'rl1>' .. first, 'PX', ms)
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
