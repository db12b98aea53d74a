package script

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Five clients want one of three slots on five nodes at the same time, and each node hears
// of them in another order. Where each node counts permits, three of them to a node are
// fifteen, three for each of the five clients: all five have a majority. Where each slot is a
// lock, three at the most do, each of another slot.
func TestPermitsAndSlots(t *testing.T) {
	const n, k = 5, 3
	order := func(node int) (clients []int) {
		for i := range n {
			clients = append(clients, (node+n-i)%n)
		}
		return clients
	}

	var naive [n]int // votes
	for node := range n {
		m := NewModel()
		for _, c := range order(node) {
			held := m.Exec(0, resp.Command{"ZCOUNT", "permits", "-inf", "+inf"}).Int
			if held < k && m.Exec(0, resp.Command{"ZADD", "permits", "10000", strconv.Itoa(c)}).Int == 1 {
				naive[c]++
			}
		}
	}
	holders := 0
	for _, votes := range naive {
		if votes > n/2 {
			holders++
		}
	}
	if holders != 5 {
		t.Errorf("permits: %d clients have a majority; 5 were expected, of %d permits", holders, k)
	}

	for hints := range 3 * 3 * 3 * 3 * 3 {
		terms := core.Terms{Nodes: n, Need: n/2 + 1, TTL: 10_000_000_000}
		var claims [n]*core.Claim
		var models [n]*Model
		for i := range n {
			claims[i], models[i] = core.NewClaim(&terms), NewModel()
			models[i].scripts[TakeSlotScript.SHA] = true
		}
		kind, rest := [n]Slots{}, hints
		for c := range n {
			kind[c], rest = Slots{K: k, Hint: rest % k}, rest/k
			claims[c].Step(core.Now{}, core.Event{Kind: core.Begin}, nil)
		}
		for node := range n {
			for _, c := range order(node) {
				p := Params{Key: "s", TTL: 10_000, Retention: 10_000, Kind: kind[c]}
				value := fmt.Sprint("rl1.", c)
				reply := models[node].Exec(0, p.Batch(core.Effect{Op: core.Ask, Token: 7, Slot: core.AnySlot}, value, false)[0])
				v := p.Read(core.Ask, value, []resp.Reply{reply})
				claims[c].Step(core.Now{}, core.Event{Kind: core.Reply, Op: core.Ask, Node: node, Vote: v}, nil)
			}
		}
		taken := map[int]int{}
		for c := range n {
			if slot := claims[c].Slot(); slot != core.AnySlot {
				if other, ok := taken[slot]; ok {
					t.Errorf("hints %v: clients %d and %d both have slot %d", kind, other, c, slot)
				}
				taken[slot] = c
			}
		}
		if len(taken) > k {
			t.Errorf("hints %v: %d holders of %d slots", kind, len(taken), k)
		}
	}
}

// The next free slot is found in a number of counts that grows as the number of digits
// does: full but for one, a semaphore of ten thousand slots takes some thirty.
func TestGap(t *testing.T) {
	const k = 10_000
	m := NewModel()
	m.keys["held"] = entry{sorted: true}
	for i := range k {
		e := m.keys["held"]
		e.members = append(e.members, Member{Name: strconv.Itoa(i), Score: float64(i)})
		m.keys["held"] = e
	}
	without := func(slot int) entry {
		members := append([]Member(nil), m.keys["held"].members[:slot]...)
		return entry{sorted: true, members: append(members, m.keys["held"].members[slot+1:]...)}
	}
	for _, free := range []int{0, 1, 2, 3, 4999, 5000, 8191, 8192, 9998, 9999} {
		for _, from := range []int64{0, 1, 3, 5000, 9999} {
			other := NewModel()
			other.keys["held"] = without(free)
			s := slotSets{run: &run{Model: other}, holders: "held"}
			want := int64(free)
			if want < from {
				want = nobody
			}
			if got := s.gap(from, k); got != want {
				t.Errorf("free is %d: from %d on it finds %d", free, from, got)
			}
		}
	}
}
