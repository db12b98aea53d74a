-- evicting: what the scripts that take something from its holder have in common, put in
-- front of each of them.

-- above: raise a register of tokens to one that is above the holder's, so that whoever is
-- granted the same after that has a greater one. Returns nil, or the answer of a node that has
-- seen a token as high, and does nothing then: the holder may have a token that is not
-- above all that were asked for, as it is given one in a second round.
local function above(register, token, retention, member)
  if redis.call('ZADD', register, 'GT', 'CH', token, member) == 0 then
    return {-1, redis.call('ZSCORE', register, member)}
  end
  redis.call('PEXPIRE', register, retention)
end
