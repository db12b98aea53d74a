package redlock

import (
	"context"
	"fmt"
	"iter"

	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// Entry is a lock that List has found.
type Entry struct {
	Key     string // on the nodes
	Name    string // without Config.Prefix
	Verdict Verdict

	// Holder is who has the key on most nodes, nil if it is on none any more. Its Since
	// is not known here. Of a lock that is shared its Label is "readers", and of a
	// semaphore "slots": then its Nodes and Remaining are those of the holder who has
	// most of them, and has them for longest.
	Holder *Holder

	// Semaphore is true if this is a semaphore, and not the lock of the same name; Slots are those
	// who have one, by slot, each node's first hundred. It is Held if a majority has a slot
	// for one at least; no node knows how many slots there are in all.
	Semaphore bool
	Slots     []Share

	// Answered is how many nodes told who has the key.
	Answered int
}

// List finds the locks and semaphores whose names begin with the prefix, "" for all: locks that are held or
// reserved now, semaphores of which somebody has a slot, and what is left on a minority of nodes if it comes by. It is a look,
// as Inspect is, read-only and advisory: a lock that a majority has from the beginning to the
// end of the call is listed, one that is taken or released meanwhile perhaps,
// and in rare cases one is listed twice. The order is that of the nodes' tables: none.
//
// It streams: the nodes are asked, page by page, as the caller takes the entries, and nothing is
// kept but a page, and the last few thousand names. A page costs one node a SCAN over some
// hundred keys, and each node two reads for each lock on it. One node is read
// after another, as many as it takes for every majority to have one of them: three of five.
// A node's SCAN goes over all keys of its database, also those of others: once for the locks, and
// once for the semaphores.
//
// An error comes last, with an empty Entry: *QuorumError (ErrNoQuorum) if so many nodes failed
// that locks may be missing from what came before, the end of ctx, or ErrClosed. A
// node that is down does not spoil it: the next one is read in its place.
func (l *Locker) List(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		s := &listing{locker: l, prefix: l.cfg.Prefix + prefix, failed: make([]error, len(l.lanes)), told: make(map[told]bool)}
		for i := range l.lanes {
			if s.read == len(l.lanes)-l.terms.Need+1 {
				return
			}
			if ctx.Err() != nil || l.isClosing() {
				break
			}
			if !s.node(ctx, i, yield) {
				return
			}
		}
		if s.read < len(l.lanes)-l.terms.Need+1 {
			yield(Entry{}, s.short(ctx))
		}
	}
}

// listing is a call of List.
type listing struct {
	locker *Locker
	prefix string
	read   int     // nodes that were read to the end
	failed []error // why the others were not
	told   map[told]bool
}

// told is what was told.
type told struct {
	key       string
	semaphore bool
}

// mostTold bounds what is remembered of what was told: a server's SCAN may name a key
// twice, and a node that failed half way has told some that others name again.
const mostTold = 4096

// node lists what it is this node's turn to name. It reports false if nobody wants to hear
// more.
func (s *listing) node(ctx context.Context, index int, yield func(Entry, error) bool) bool {
	for _, what := range []script.Listed{script.Locks, script.Semaphores} {
		if !s.all(ctx, index, what, yield) {
			return false
		}
		if s.failed[index] != nil {
			return true
		}
	}
	s.read++
	return true
}

// all lists what a node has of one kind.
func (s *listing) all(ctx context.Context, index int, what script.Listed, yield func(Entry, error) bool) bool {
	l := s.locker
	for cursor := "0"; ; {
		a := l.await(ctx, index, l.lanes[index].ask([]resp.Command{what.Page(cursor, s.prefix)}))
		var keys []string
		if a.err == nil {
			var n NodeState
			if n.doubt(l.lanes[index]); n.barred {
				a.err = n.Doubt // what it has stands for no vote
			}
		}
		if a.err == nil {
			keys, cursor, a.err = what.ReadPage(a.replies[0])
		}
		if a.err == nil && len(keys) > 0 {
			var entries []Entry
			entries, a.err = s.page(ctx, index, what, keys)
			for _, e := range entries {
				if !yield(e, nil) {
					return false
				}
			}
		}
		switch {
		case a.err != nil:
			s.failed[index] = a.err
			return true
		case cursor == "0":
			return true
		}
	}
}

// page asks all nodes for the keys that one of them named, and returns those that are its to
// tell: what a node before it has too was told when that one was read, or came
// later. So nobody has to remember all that was told.
func (s *listing) page(ctx context.Context, index int, what script.Listed, keys []string) ([]Entry, error) {
	l := s.locker
	nodes := make([][]NodeState, len(keys)) // of each key
	for _, a := range l.survey(ctx, what.Holders(keys)) {
		var sights []script.View
		if a.err == nil {
			sights, a.err = what.ReadHolders(len(keys), a.replies)
		}
		if a.index == index && a.err != nil {
			return nil, a.err
		}
		for k := range keys {
			n := NodeState{Node: l.lanes[a.index].node.Name(), Err: a.err}
			n.doubt(l.lanes[a.index])
			if a.err == nil {
				n.sight, n.Answered = sights[k], true
				n.describe()
			}
			nodes[k] = append(nodes[k], n)
		}
	}
	var entries []Entry
	for k, key := range keys {
		e := Entry{Key: key, Name: key[len(l.cfg.Prefix):], Semaphore: what == script.Semaphores}
		if e.Semaphore {
			e.Slots = l.slotsOf(key, nodes[k])
			e.Verdict, e.Holder = l.judgeSlots(key, nodes[k], e.Slots)
		} else {
			e.Verdict, e.Holder = l.judge(key, nodes[k])
		}
		there, before := false, false
		for i, n := range nodes[k] {
			has := n.sight.Value != "" || len(n.sight.Slots) > 0
			there = there || has
			before = before || i < index && has && s.failed[i] == nil
			if n.Answered {
				e.Answered++
			}
		}
		if there && !before && !s.again(e) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// again reports whether an entry was told, and remembers it.
func (s *listing) again(e Entry) bool {
	key := told{e.Key, e.Semaphore}
	if s.told[key] {
		return true
	}
	if len(s.told) == mostTold {
		clear(s.told)
	}
	s.told[key] = true
	return false
}

// short is the error of a listing that may have missed some.
func (s *listing) short(ctx context.Context) error {
	switch l := s.locker; {
	case l.isClosing():
		return ErrClosed
	case ctx.Err() != nil:
		return contextError(ctx)
	}
	e := &QuorumError{Op: "list", Key: s.prefix + "*", Need: len(s.failed) - s.locker.terms.Need + 1, Got: s.read}
	for i, err := range s.failed {
		if err != nil {
			e.Nodes = append(e.Nodes, NodeError{s.locker.lanes[i].node.Name(), err})
		}
	}
	return fmt.Errorf("%w (locks may be missing)", e)
}
