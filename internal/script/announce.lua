-- announce: say that who holds the key was elected, and with which token. Beside the
-- key K a node keeps the note {K}:l, "<token> <value>", of the last one that said so:
-- the key tells who leads, and the note which term that is. Who watches is told by a
-- push if the note is new.
--
-- KEYS[1]  the key
-- KEYS[2]  the note
-- ARGV[1]  our value
-- ARGV[2]  our token
-- ARGV[3]  how long the note is kept, in ms
-- ARGV[4]  the channel of those who watch
-- returns  1 noted | 0 the key is not ours
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and holder ~= 'rl1+' .. string.sub(ARGV[1], 5) then -- with or without the mark of a waiter
  return 0
end
local note = ARGV[2] .. ' ' .. ARGV[1]
local before = redis.call('GET', KEYS[2])
if before and before ~= note and tonumber(string.match(before, '^%d+') or '0') > tonumber(ARGV[2]) then
  return 1 -- the lease has passed to another in our process, who was quicker to say so
end
redis.call('SET', KEYS[2], note, 'PX', ARGV[3])
if before ~= note then
  redis.pcall('PUBLISH', ARGV[4], '+' .. ARGV[2]) -- where we may not publish, they find out by themselves
end
return 1
