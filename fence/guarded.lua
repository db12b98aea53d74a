-- guarded: run commands on a resource if the token is not stale. One atomic
-- step: nobody can show a newer token between the comparison and the commands.
--
-- The register is a string with the highest token that the resource has seen and, if that
-- was a reader's, behind a space the highest of a writer, or 0. A writer's token is stale if it
-- is below the first, a reader's if it is below the second.
-- Tokens are below 2^53, so that Lua's numbers hold them exactly.
--
-- KEYS[1]  the register
-- KEYS[2…] the keys of the commands, declared for Redis Cluster
-- ARGV[1]  the token
-- ARGV[2]  retention of the register in ms, 0 for ever
-- ARGV[3]  '1' if the token is a reader's, else ''
-- ARGV[4…] for each command the number of its words, then the words
-- returns  {the highest token, reply, …}; a number above ARGV[1] says that it
--          was stale, and then nothing was done
--          | the error of the first command that failed: those before it were
--          done, those after it were not
local text = redis.call('GET', KEYS[1]) or '0'
local any, written = string.match(text, '^(%d+) (%d+)$')
if not any then
  any, written = text, text
end
local reads = ARGV[3] ~= ''
local newest = reads and written or any
if tonumber(newest) > tonumber(ARGV[1]) then
  return {newest}
end
if not reads then
  text = ARGV[1]
elseif tonumber(ARGV[1]) > tonumber(any) then
  text = ARGV[1] .. ' ' .. written
end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], text)
else
  redis.call('SET', KEYS[1], text, 'PX', ARGV[2])
end

local replies = {ARGV[1]}
local at = 4
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
