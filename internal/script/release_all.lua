-- release_all: release for each of the keys, whatever became of the others.
--
-- KEYS       see all
-- ARGV[1-5]  as those of release
-- returns    2 all were ours, and one is reserved for the next | 1 all were ours
--            | 0 not all: those that were are free
local all, next = true, false
for i = 1, n do
  local ours, first = give_back(KEYS[i], queue(i), ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
  all = all and ours
  next = next or first
end
if not all then
  return 0
end
return next and 2 or 1
