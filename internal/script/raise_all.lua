-- raise_all: raise for all of the keys: the node accepts if each of their registers does.
--
-- KEYS     see all
-- ARGV[1]  our value
-- ARGV[2]  the proposed token
-- ARGV[3]  retention of the registers in ms
-- returns  {1, proposal} accepted | {0, register} one has seen a token as high: the highest
--          | {-1} not all the keys are ours
for i = 1, n do
  local holder = redis.call('GET', KEYS[i])
  if not holder or not holds(holder, ARGV[1]) then
    return {-1}
  end
end
local accepted, highest = true, ARGV[2]
for i = 1, n do
  if redis.call('ZADD', register(i), 'GT', 'CH', ARGV[2], 't') == 0 then
    accepted = false
    local seen = redis.call('ZSCORE', register(i), 't')
    if tonumber(seen) > tonumber(highest) then
      highest = seen
    end
  end
  redis.call('PEXPIRE', register(i), ARGV[3])
end
return {accepted and 1 or 0, highest}
