-- tell_evicted: tell every process that listens. Which process holds a key its value does
-- not say, so this is how a holder learns that it was evicted.
--
-- ARGV[1]  what they are told
-- returns  how many listen | an error, where we may not ask who does, or not publish
local told = 0
for _, channel in ipairs(redis.call('PUBSUB', 'CHANNELS', 'redlock:wake:*')) do
  told = told + redis.call('PUBLISH', channel, ARGV[1])
end
return told
