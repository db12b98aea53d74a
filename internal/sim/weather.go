package sim

import (
	"math/bits"

	"github.com/redlock-go/redlock/internal/check"
)

// weather tells the book whether the weather is fair, and when other nodes than
// before make it so, or others are silent: see check.Calm.
func (w *world) weather() {
	well, silent, flaky := uint64(0), uint64(0), false
	if !w.stretched && w.restless == 0 && w.strays == 0 {
		for i, n := range w.nodes {
			if w.well(n) {
				well |= 1 << i
			}
			troubled, now := w.troubled(n)
			if !n.alive() || troubled {
				silent |= 1 << i
			}
			flaky = flaky || now || n.alive() && w.half(n)
		}
	}
	w.steadiness()
	calm := bits.OnesCount64(well) >= len(w.nodes)/2+1
	if calm == w.calm && (!calm || well == w.wellNodes && silent == w.silentNodes && flaky == w.flaky) {
		return
	}
	fewer := w.calm && calm && well&^w.wellNodes == 0
	w.calm, w.wellNodes, w.silentNodes, w.flaky = calm, well, silent, flaky
	k := check.Storm
	if calm {
		k = check.Calm
	}
	w.tell(check.Event{Kind: k, First: fewer, Flaky: calm && flaky})
}

// steadiness tells the book whether it is steady: see check.Steady.
func (w *world) steadiness() {
	well := uint64(0)
	if !w.stretched && w.uneasy == 0 && w.strays == w.orphans {
		for i, n := range w.nodes {
			if w.steadily(n) {
				well |= 1 << i
			}
		}
	}
	steady := bits.OnesCount64(well) >= len(w.nodes)/2+1
	if steady == w.steady && (!steady || well == w.steadyNodes) {
		return
	}
	w.steady, w.steadyNodes = steady, well
	k := check.Unsteady
	if steady {
		k = check.Steady
	}
	w.tell(check.Event{Kind: k})
}

// steadily reports whether a node answers every client that runs, and votes for it.
func (w *world) steadily(n *node) bool {
	if troubled, _ := w.troubled(n); troubled || !n.alive() {
		return false
	}
	for _, m := range w.machines {
		if p := m.proc; p != nil && p.paused == 0 && !w.trusts(p, n) && (n.run > 1 || p.lanes[n.index].seenRun != 0) {
			return false
		}
	}
	return true
}

// trusts reports whether a process has verified the node, and counts its votes.
func (w *world) trusts(p *process, n *node) bool {
	l := &p.lanes[n.index]
	quarantine := w.quarantine + w.quarantine/50
	return l.seenRun == n.run && (n.run == 1 || w.now >= l.seenAt+quarantine)
}

// troubled reports whether there is trouble between some client and a node, and
// whether it is of a kind that lets some requests through, in time or late.
func (w *world) troubled(n *node) (troubled, flaky bool) {
	for _, m := range w.machines {
		if k := w.linkOf(m.index, n.index); k.trouble > 0 {
			troubled = true
			flaky = flaky || k.slow > 0 || k.lose > 0 || k.repeat > 0 || k.tear > 0
		}
	}
	return troubled, flaky
}

// half reports whether a client has connections to a node that broke when it went down
// without a word, and does not know: it answers over new ones, and over those not.
func (w *world) half(n *node) bool {
	for _, m := range w.machines {
		if m.proc == nil {
			continue
		}
		for _, c := range m.proc.lanes[n.index].conns {
			if c.up && !c.closed && c.run != n.run {
				return true
			}
		}
	}
	return false
}

// well reports whether a node answers every client, and votes for it.
func (w *world) well(n *node) bool {
	if troubled, _ := w.troubled(n); troubled || !n.alive() {
		return false
	}
	for _, m := range w.machines {
		if m.proc == nil || !w.trusts(m.proc, n) {
			return false
		}
	}
	return true
}
