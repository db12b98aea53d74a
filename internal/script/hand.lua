-- hand: pass the key on from one value to another, in one atomic step: so that of two
-- processes that take over a lease which was handed over at most one gets this node, and
-- that nothing the first holder sent can touch the key any more. The mark of a waiter stays,
-- and so does the expiry: who fails gives the value back the same way, and has
-- changed nothing.
--
-- KEYS[1]  the key
-- ARGV[1]  the value that the key is to have
-- ARGV[2]  the value that it gets
-- returns  1 passed on, or it had that value already | 0 absent
--          | the other holder's value, a string
local from, to = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[1])
if not holder then
  return 0
end
local function marked(value)
  return 'rl1+' .. string.sub(value, 5)
end
if holder == marked(from) or holder == marked(to) then
  to = marked(to)
elseif holder ~= from and holder ~= to then
  return holder
end
redis.call('SET', KEYS[1], to, 'KEEPTTL')
return 1
