-- guarded: run commands on a resource if the token is not stale. One atomic
-- step: nobody can show a newer token between the comparison and the commands.
--
-- The register is a string with the highest token that the resource has seen.
-- Tokens are below 2^53, so that Lua's numbers hold them exactly.
--
-- KEYS[1]  the register
-- KEYS[2…] the keys of the commands, declared for Redis Cluster
-- ARGV[1]  the token
-- ARGV[2]  retention of the register in ms, 0 for ever
-- ARGV[3…] for each command the number of its words, then the words
-- returns  {the highest token, reply, …}; a number above ARGV[1] says that it
--          was stale, and then nothing was done
--          | the error of the first command that failed: those before it were
--          done, those after it were not
local newest = redis.call('GET', KEYS[1]) or '0'
if tonumber(newest) > tonumber(ARGV[1]) then
  return {newest}
end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end

local replies = {ARGV[1]}
local at = 3
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  local reply = redis.pcall(unpack(ARGV, at + 1, last))
  if type(reply) == 'table' and reply.err then
    return reply
  end
  replies[#replies + 1] = reply
  at = last + 1
end
return replies
