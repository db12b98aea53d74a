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

// Exchanger is a [Node] that is quicker for a caller who can wait. The lock calls
// Exchange in place of Do if there is one, from goroutines of its own, of which one is
// enough unless the node hangs or is far away.
type Exchanger interface {
	// Exchange is Do without a context: it ends with the node's connection, or
	// when the server has been silent for some seconds. The replies are in room if
	// they have place there, and replace what was in it.
	Exchange(batch []resp.Command, room []resp.Reply) ([]resp.Reply, error)
}

// Subscriber is a [Node] that can push: with it, waiters are woken by the node and
// need not ask again. A node that is none works too; then waiters ask again at
// the end of the holder's TTL and, now and then, before.
type Subscriber interface {
	// Subscribe listens to a channel, on a connection of its own. It calls ready
	// once, when the server has confirmed the subscription, and from then on
	// receive for each message published to the channel, in their order and one
	// at a time. It returns when ctx is done, the connection is lost, or the node
	// is closed, always with an error, and calls neither function after that. It
	// does not come back by itself: the caller subscribes again.
	//
	// A connection that is silent is found out within seconds, also when the
	// server's machine is gone without a word.
	Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error
}
