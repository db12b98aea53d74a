package sim

import (
	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// keys are those that the claim is to hold.
func (c *claim) keys() []int {
	if c.all == nil {
		c.all = append([]int{c.key}, c.op.spec.Also...)
	}
	return c.all
}

// noteSet is note for one key of a set, each of whose scripts says one thing of all.
func (n *node) noteSet(w *world, now int64, key int, by *claim, first bool, op core.Op, reply resp.Reply) {
	h := &n.holds[key]
	text, held := n.model.Get(now, w.keys[key])
	text = script.Unmarked(text)
	granted := reply.Kind == resp.Array && len(reply.Items) >= 2 && reply.Items[0].Kind == resp.Int && reply.Items[0].Int == 1
	switch {
	case !held || script.IsReservation(text):
		if h.claim != nil {
			w.tell(check.Event{Kind: check.Dropped, Node: n.index, Key: key, Claim: h.claim.id, By: by.id})
		}
		h.claim = nil
	case text == by.value && h.claim != by:
		*h = holding{claim: by, began: w.now}
		w.tell(check.Event{Kind: check.Took, Node: n.index, Key: key, Claim: by.id, By: by.id, First: first})
	case text == by.value && (op == core.Ask && granted || op == core.Extend && reply.Kind == resp.Int && reply.Int == 1):
		w.tell(check.Event{Kind: check.Kept, Node: n.index, Key: key, Claim: by.id, By: by.id})
	}
}
