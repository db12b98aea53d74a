package core

import (
	"fmt"
	"time"
)

// ClockWatch compares a node's clock with the client's. I1 holds as long as their
// rates differ by less than the drift allowance; a node whose clock moves by more
// expires keys too early, or too late.
//
// The zero ClockWatch has not seen a clock yet.
type ClockWatch struct {
	seen  bool
	local Time          // middle of the last sample
	node  time.Duration // the node's clock then
	blur  time.Duration // half of that sample's round trip
}

// ClockMoved says by how much a node's clock went ahead of the client's, or fell
// back if By is negative, in a span of time, beyond what the allowance and the
// sampling explain.
type ClockMoved struct {
	By, In time.Duration
}

// Error tells what happened to which clock.
func (e ClockMoved) Error() string {
	if e.By < 0 {
		return fmt.Sprintf("its clock fell back by %v within %v, beyond the drift allowance: keys live longer there than they should", -e.By, e.In)
	}
	return fmt.Sprintf("its clock went ahead by %v within %v, beyond the drift allowance: keys end sooner there than they should", e.By, e.In)
}

// Sample takes a reading of the node's clock that was asked for at sent and had
// arrived by got, and reports if the clock has moved by more than
//
//	elapsed/100 + 2 ms
//
// since the last sample, beyond doubt: what the round trips leave uncertain
// speaks for the node.
func (w *ClockWatch) Sample(sent, got Time, node time.Duration) (moved ClockMoved, bad bool) {
	blur := (got - sent) / 2
	local := sent + blur
	was := *w
	w.seen, w.local, w.node, w.blur = true, local, node, blur
	if !was.seen {
		return ClockMoved{}, false
	}
	elapsed := local - was.local
	by := node - was.node - elapsed
	doubt := elapsed/100 + 2*time.Millisecond + blur + was.blur
	if by > doubt || by < -doubt {
		return ClockMoved{By: by, In: elapsed}, true
	}
	return ClockMoved{}, false
}
