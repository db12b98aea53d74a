package redlock

import (
	"context"

	"github.com/redlock-go/redlock/resp"
)

// Node is one independent Redis or Valkey primary. It is the only seam between
// the lock and a client library: the modules goredis and rueidis implement it,
// redlocktest implements it in memory, and redlocktest.Conformance tests any
// other implementation.
//
// The methods may be called from many goroutines at once.
type Node interface {
	// Name is what errors call the node: its address, without user, password
	// or query. Two nodes of one [Config] never share a name.
	Name() string

	// Do sends the batch, in order, on one connection, as one pipelined write,
	// and returns one reply for each command, in the same order. An error
	// reply of the server ("WRONGTYPE …") is a [resp.Reply], not an error of Do.
	//
	// An error of Do means that the fate of the whole batch is unknown: it may
	// have been executed, now or later, in part or not at all. Do never sends a
	// batch twice. It keeps the batch no longer than the call.
	//
	// Do should return soon after ctx is done. The lock does not depend on it:
	// it stops waiting for Do at its own per-node deadline, whatever the client
	// library does, and takes a late reply into account when it comes.
	Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error)

	// Close ends the node's connections, and with them the calls of Do that are
	// under way. It is idempotent.
	Close() error
}
