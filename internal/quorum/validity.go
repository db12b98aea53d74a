package quorum

import "time"

// Drift is how much of a TTL is given away to clocks that run at different
// rates, and to the resolution of an expiry on a node:
//
//	drift = TTL/100 + 2 ms
//
// One part in a hundred is far above what quartz does; 1 ms is Redis's
// resolution, and 1 ms more is for small TTLs, as on Redis's page on the
// algorithm.
func Drift(ttl time.Duration) time.Duration { return ttl/100 + 2*time.Millisecond }

// Deadline is the end of the validity that a successful round gives:
//
//	deadline = sentAt + TTL - drift
//
// sentAt is when the round's first request left, not when the last reply came:
// each node counts its TTL from when it received the request, which is never
// before sentAt, so that no node frees the key before the deadline (I1, I2).
func Deadline(sentAt, ttl time.Duration) time.Duration { return sentAt + ttl - Drift(ttl) }
