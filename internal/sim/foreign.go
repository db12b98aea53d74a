package sim

import (
	"strconv"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// A client of another library takes a key with SET NX PX and deletes it by a script
// that compares. It has no tokens, knows of no queue and wakes nobody; what it may
// not have is refused to it, and then it polls. That its rounds are counted by our own
// core.Claim makes it no friendlier: to the nodes and to those who wait it is a
// stranger.

// foreignValue is what it writes.
func foreignValue(n uint64) string { return "another library's " + strconv.FormatUint(n, 10) }

// foreignBatch is what it says to a node.
func foreignBatch(c *claim, e core.Effect) []resp.Command {
	batch := c.params.Batch(e, c.value, false)
	if e.Op == core.Ask {
		return batch[:1]
	}
	return batch
}

// foreignReplies adds to the reply to its SET what core.Claim is told of the token.
func foreignReplies(op core.Op, replies []resp.Reply) []resp.Reply {
	if op == core.Ask && len(replies) == 1 {
		return append(replies[:1:1], resp.OfInt(1), resp.OfInt(1))
	}
	return replies
}
