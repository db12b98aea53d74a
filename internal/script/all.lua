-- all: what the scripts for several keys have in common, put in front of each of them
-- after queue. Their KEYS are n keys, then the n registers of tokens, then the n queues.
local n = #KEYS / 3
local function register(i) return KEYS[n + i] end
local function queue(i) return KEYS[2 * n + i] end
