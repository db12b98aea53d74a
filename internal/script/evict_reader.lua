-- evict_reader: end the reading of the value that was seen, and of no other, as evict takes a
-- key, in one atomic step: read_release follows, which gives back what that value
-- has. The register is raised as by a writer: who reads or writes later has a greater token.
--
-- KEYS, ARGV  those of read_release
-- KEYS[4]     the register of tokens
-- ARGV[7]     a token above all of that reader's
-- ARGV[8]     retention of the register in ms
-- returns     {0, holder} another has the key alone | {-1, register} it has seen a token as high: nothing
--             was done | what read_release does
do
  local holder = redis.call('GET', KEYS[1])
  local seen = holder == ARGV[1] or holder == marked(ARGV[1])
  if holder and not seen and holder ~= 'rl1=' and string.sub(holder, 1, 4) ~= 'rl1>' then
    return {0, holder}
  end
  local refused = above(KEYS[4], ARGV[7], ARGV[8], 't')
  if refused then
    return refused
  end
end
