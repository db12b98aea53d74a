// Package redlock is a distributed lock: the Redlock algorithm over N independent
// Redis or Valkey primaries.
//
//	nodes, err := goredis.OpenAll("redis://a:6379", "redis://b:6379", "redis://c:6379")
//	locker, err := redlock.New(redlock.Config{Nodes: nodes})
//	defer locker.Close()
//	err = locker.Do(ctx, "orders/42", func(ctx context.Context, lease *redlock.Lease) error {
//		return work(ctx, lease.Token())
//	})
//
// # How it works
//
// To acquire, the client notes the time and sends "set if absent, with an expiry"
// to all nodes at once, with a value that is unique to this attempt. The lock is
// held if and only if a majority accepted while the lease was still valid:
//
//	deadline = sentAt + TTL - drift        drift = TTL/100 + 2 ms
//
// where sentAt is before the first request left. If not, the key is released
// wherever it may be, and the client tries again after a wait. To release is to
// compare the value and delete, to extend is to compare it and reset the expiry,
// in one atomic step on each node.
//
// # What holds
//
// The invariants have numbers, which the comments in the code use:
//
//   - I1 At no instant are two leases of one key valid, as long as clock rates
//     differ by less than the drift and no majority of nodes loses data within
//     one TTL.
//   - I2 A lease's context ends no later than its deadline, by a local timer,
//     whatever the network does.
//   - I3 A lease granted later has a greater token.
//   - I4 No late packet of one attempt undoes or forges another.
//   - I5 Nothing is left behind: after an error, or a release, each node that
//     can be reached is freed at once, one that cannot is free by TTL.
//   - I6 A node that restarted without its data does not vote until every lease
//     is over that it may have granted.
//   - I8 A free lock is taken while a majority is alive, and a hung or dead
//     minority adds nothing to the latency.
//   - I9 An extension succeeds only on the votes of nodes that retained the key.
//
// # What a lock cannot do
//
// Between the moment at which your program looks at the lease and the moment at
// which its write reaches a database, the lease may end: a process can be paused
// anywhere. Where that matters, pass the token along and let the resource
// refuse a stale one: package fence does that for SQL, Redis and HTTP.
package redlock
