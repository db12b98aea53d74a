-- extend_all: extend for all of the keys, or none. Where another has one of them, the
-- others are given back: a node is of no use with some of them.
--
-- KEYS     see all
-- ARGV[1]  our value
-- ARGV[2]  TTL in ms
-- ARGV[3]  our token
-- ARGV[4]  retention of the registers in ms
-- ARGV[5]  the waiter that we are, or ''
-- ARGV[6]  time of a reservation in ms
-- returns  1 retained | 0 none of them is there | -1 some are
--          | the holder of one that is another's, a string
local ours, other = {}, nil
for i = 1, n do
  local holder = redis.call('GET', KEYS[i])
  if holder and holds(holder, ARGV[1]) then
    ours[#ours + 1] = i
  elseif holder and holder ~= 'rl1>' .. ARGV[5] then -- what is reserved for us is there for us to take
    other = holder
  end
end
if other then
  for _, i in ipairs(ours) do
    give_back(KEYS[i], queue(i), ARGV[1], '', ARGV[6], '', 'both')
  end
  return other
end
if #ours < n then
  return #ours > 0 and -1 or 0
end
for i = 1, n do
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
  redis.call('ZADD', register(i), 'GT', ARGV[3], 't')
  redis.call('PEXPIRE', register(i), ARGV[4])
end
return 1
