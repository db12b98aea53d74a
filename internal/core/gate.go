package core

import "time"

// Gate is what a client believes of one node, and the bounds that it keeps
// towards it: a node that does not answer is suspected, and not waited for
// until it answers a probe; what is under way to it is bounded, so that a hung
// node cannot grow memory or goroutines (I8).
//
// The zero Gate is a node that is trusted.
type Gate struct {
	flying  int
	suspect bool
	probing bool
	misses  int
	probeAt Time
}

// Limits bound what a client has under way to one node.
type Limits struct {
	Flying   int           // requests under way
	Owed     int           // releases that wait for the node to come back
	ProbeMin time.Duration // first pause between probes, doubled after each
	ProbeMax time.Duration
}

// Full reports whether no further request for a key may be sent. What is owed
// counts as well: every request that takes a key must leave room for the
// release that may have to follow, as a release is never dropped.
func (g *Gate) Full(l Limits, owed int) bool { return g.flying >= l.Flying || owed >= l.Owed }

// Suspect reports whether the node is suspected of being hung or dead.
func (g *Gate) Suspect() bool { return g.suspect }

// Flying is the number of requests under way.
func (g *Gate) Flying() int { return g.flying }

// Sent counts a request.
func (g *Gate) Sent() { g.flying++ }

// Answered takes note of a sign of life, from a request or a probe.
func (g *Gate) Answered() {
	g.flying--
	g.suspect, g.misses = false, 0
}

// Broke takes note that a request ended without an answer.
func (g *Gate) Broke(now Time) {
	g.flying--
	g.doubt(now)
}

// Overdue takes note that a request was not answered within its deadline. It is
// still under way.
func (g *Gate) Overdue(now Time) { g.doubt(now) }

func (g *Gate) doubt(now Time) {
	if !g.suspect {
		g.suspect = true
		g.probeAt = now // at once: most often it was a broken connection
	}
}

// ProbeAt is when the node is to be probed next, Never if it is not suspected
// or a probe is under way.
func (g *Gate) ProbeAt() Time {
	if !g.suspect || g.probing {
		return Never
	}
	return g.probeAt
}

// ProbeSent counts a probe.
func (g *Gate) ProbeSent() {
	g.flying++
	g.probing = true
}

// ProbeDone takes note of how a probe ended.
func (g *Gate) ProbeDone(now Time, answered bool, l Limits) {
	g.probing = false
	if answered {
		g.Answered()
		return
	}
	g.flying--
	pause := l.ProbeMax
	if g.misses < 16 {
		pause = min(l.ProbeMin<<g.misses, l.ProbeMax)
	}
	g.misses++
	g.suspect = true
	g.probeAt = now + pause
}
