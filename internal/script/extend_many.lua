-- extend_many: extend for many keys of one client in one call, each as if by itself:
-- an error at one of them is that one's reply, and the others go on.
--
-- KEYS[2i-1]  key i
-- KEYS[2i]    its register of tokens
-- ARGV[1]     TTL in ms
-- ARGV[2]     retention of the registers in ms
-- ARGV[2i+1]  our value of key i
-- ARGV[2i+2]  our token of key i
-- returns     for each key what extend says: 1 retained | 0 absent
--             | the other holder's value, a string | an error
local replies = {}
for i = 1, #KEYS, 2 do
  local reply = redis.pcall('GET', KEYS[i])
  if not reply then
    reply = 0
  elseif reply == ARGV[i + 2] or reply == 'rl1+' .. string.sub(ARGV[i + 2], 5) then
    reply = redis.pcall('PEXPIRE', KEYS[i], ARGV[1])
    if type(reply) ~= 'table' then
      reply = redis.pcall('ZADD', KEYS[i + 1], 'GT', ARGV[i + 3], 't')
    end
    if type(reply) ~= 'table' then
      reply = redis.pcall('PEXPIRE', KEYS[i + 1], ARGV[2])
    end
    if type(reply) ~= 'table' then
      reply = 1
    end
  end
  replies[#replies + 1] = reply
end
return replies
