package interop

import "github.com/redlock-go/redlock/rig/traffic"

// Ours are this library's adapters, and Others the other libraries. A lock is named as
// in ours; the others are given its key.
func Ours() []traffic.Contestant { return named("redlock-goredis", "redlock-rueidis") }

// Others are the other libraries.
func Others() []traffic.Contestant {
	return append(named("redsync"),
		onNode("redlock-4", "the npm package's latest, on ioredis, defaults: 10 tries more, after 200 ms ± 100"),
		onNode("redlock-5", "its beta 5.0.0-beta.2, on ioredis, defaults: after 200 ms ± 100; but 3 tries more in place of 10"),
		onNode("redlock-universal", "on ioredis, defaults: 3 tries more, after 200 ms"))
}

func named(names ...string) (all []traffic.Contestant) {
	for _, name := range names {
		c, found := traffic.ContestantNamed(name)
		if !found {
			panic("interop: no contestant " + name)
		}
		all = append(all, c)
	}
	return all
}

// keyOf is the key of a lock: what the others are asked for.
func keyOf(lock string) string { return Ours()[0].Keys(lock)[0] }
