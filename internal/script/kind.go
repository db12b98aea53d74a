package script

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Kind is what a claim asks the nodes for, where that is not the plain lock: the
// primitives differ in what they say to a node and in how they read its replies,
// and in nothing else. A Kind is constant, and is used by many goroutines at once.
//
// The plain lock is no Kind: it is what Params say where there is none.
type Kind interface {
	// Ask, Raise and Extend build the batch of a request: see [core.Op].
	Ask(p *Params, value string, token uint64) []resp.Command
	Raise(p *Params, value string, token uint64) []resp.Command
	Extend(p *Params, value string, token uint64) []resp.Command

	// Release builds what gives back what the value holds, as [Release] does.
	Release(key, value string, w Waiter, stay bool, deputy Deputy) resp.Command

	// Read reads the replies to what the others built.
	Read(p *Params, op core.Op, value string, replies []resp.Reply) core.Vote

	// Mark is the end of the names of waiters that want it, by which a node tells them
	// apart from those who want the plain lock: a dot and a letter, or "".
	Mark() string
}

// Divided is a Kind of which several have a part at once, each by itself: a slot, or that
// it reads.
type Divided interface {
	Kind

	// Above asks for the register of tokens of p's part: see [Params.Above].
	Above(p *Params) resp.Command
	// Evict takes that part from the value: see [Params.Evict].
	Evict(p *Params, seen string, token uint64) resp.Command
}

// Release gives the key back if it holds the value, whatever its Kind: see [Release].
func (p *Params) Release(value string, stay bool, deputy Deputy) resp.Command {
	if p.Kind != nil {
		return p.Kind.Release(p.Key, value, p.Waiter, stay, deputy)
	}
	return Release(p.Key, value, p.Waiter, stay, deputy)
}
