package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Slots is the Kind of a semaphore: one of K slots, each of which is a lock. slots.lua says
// what a node keeps of it.
type Slots struct {
	K int
	// Hint is the slot that the nodes begin at when they choose one; all choose alike. If it is
	// Wanted, it goes before one that is reserved for the waiter.
	Hint   int
	Wanted bool
}

// MostSlots bounds K: what a node keeps for each is some 300 bytes.
const MostSlots = 1 << 16

// slotMark is the beginning of the Mark of those who want a slot. K follows.
const slotMark = ".s"

// The keys of a semaphore.
func (Slots) holders(key string) string   { return "{" + key + "}:s" }
func (Slots) expiries(key string) string  { return "{" + key + "}:sx" }
func (Slots) registers(key string) string { return "{" + key + "}:st" }
func (Slots) queue(key string) string     { return "{" + key + "}:sq" }

// Held is the slot that a node has for the value at that time, AnySlot if none.
func (s Slots) Held(m *Model, now int64, key, value string) int {
	slot, held := m.Score(now, s.holders(key), value)
	till, ok := m.Score(now, s.expiries(key), value)
	if !held || !ok || int64(till) < now {
		return core.AnySlot
	}
	return int(slot)
}

// Moves reports whether an Ask is for one slot only, which the claim has on other nodes.
func (s Slots) Moves(cmd resp.Command) bool {
	const atHow = 3 + 4 + 6
	return len(cmd) > atHow && cmd[1] == TakeSlotScript.SHA && cmd[atHow] == "must"
}

// Frees reports whether a command gives back what that value holds of the semaphore.
func (s Slots) Frees(cmd resp.Command, key, value string) bool {
	const atValue = 3 + 3
	return len(cmd) > atValue && cmd[1] == ReleaseSlotScript.SHA && cmd[3] == s.holders(key) && cmd[atValue] == value
}

// Next is the Kind of the attempt after one that was lost: contenders that were granted
// different slots agree on the one that most were, and go by their tickets; else the nodes
// begin anywhere.
func (s Slots) Next(d core.Defeat, random int) Slots {
	if d.Scattered {
		return Slots{K: s.K, Hint: d.Slot, Wanted: true}
	}
	return Slots{K: s.K, Hint: random % s.K}
}

// Ask takes one of the slots, or the one that the claim has on other nodes.
func (s Slots) Ask(p *Params, value string, token uint64) []resp.Command {
	hint, how := s.Hint, "any"
	switch {
	case p.Slot != core.AnySlot:
		hint, how = p.Slot, "must"
	case s.Wanted:
		how = "want"
	}
	return []resp.Command{TakeSlotScript.call(
		[]string{s.holders(p.Key), s.expiries(p.Key), s.registers(p.Key), s.queue(p.Key)},
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention),
		strconv.Itoa(s.K), strconv.Itoa(hint), how, string(p.Waiter), reservation, queueKept, p.Key,
	)}
}

// Raise proposes a token of the claim's slot.
func (s Slots) Raise(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{RaiseSlotScript.call(
		[]string{s.holders(p.Key), s.expiries(p.Key), s.registers(p.Key)},
		value, strconv.FormatUint(token, 10), retentions.text(p.Retention), strconv.Itoa(p.Slot),
	)}
}

// Extend resets the expiry of the claim's slot.
func (s Slots) Extend(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{ExtendSlotScript.call(
		[]string{s.holders(p.Key), s.expiries(p.Key), s.registers(p.Key)},
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention), strconv.Itoa(p.Slot),
	)}
}

// Release gives back whichever slot the value has.
func (s Slots) Release(key, value string, w Waiter, stay bool, deputy Deputy) resp.Command {
	kept := ""
	if stay {
		kept = queueKept
	}
	return ReleaseSlotScript.call(
		[]string{s.holders(key), s.expiries(key), s.queue(key)},
		value, string(w), reservation, kept, string(deputy), key,
	)
}

// Mark says that a waiter wants a slot, and how many there are for it.
func (s Slots) Mark() string { return slotMark + strconv.Itoa(s.K) }

// slotsOf is the K in a waiter's name, 0 if it wants no slot.
func slotsOf(w Waiter) int {
	at := strings.LastIndexByte(string(w), '.')
	if at < 0 || !strings.HasPrefix(string(w[at:]), slotMark) {
		return 0
	}
	k, _ := strconv.ParseUint(string(w[at+len(slotMark):]), 10, 31)
	return int(k) //nolint:gosec // of 31 bits
}

// cutSlot takes the number of the slot off what a push says of the key; it is 0 if the
// waiter wants no slot.
func cutSlot(w Waiter, text string) (key string, slot int) {
	at := strings.LastIndexByte(text, ' ')
	if at < 0 || slotsOf(w) == 0 {
		return text, 0
	}
	n, err := strconv.ParseUint(text[at+1:], 10, 31)
	if err != nil || n >= MostSlots {
		return text, 0
	}
	return text[:at], int(n) //nolint:gosec // of 31 bits
}

// PushedSlot is the slot that a push tells of, 0 if it is of no semaphore.
func PushedSlot(message string) int {
	_, w, _ := ReadPush(message)
	_, slot := cutSlot(w, message)
	return slot
}

// Prefer is the Kind of an attempt of a waiter for which most nodes keep that slot;
// AnySlot if none keeps one.
func Prefer(kind Kind, slot int) Kind {
	s, ok := kind.(Slots)
	if !ok || slot < 0 || slot >= s.K {
		return kind
	}
	s.Hint, s.Wanted = slot, true
	return s
}

// Above asks for the register of p.Slot.
func (s Slots) Above(p *Params) resp.Command {
	return resp.Command{"ZSCORE", s.registers(p.Key), strconv.Itoa(p.Slot)}
}

// Evict takes p.Slot from the value.
func (s Slots) Evict(p *Params, seen string, token uint64) resp.Command {
	return EvictSlotScript.before(s.Release(p.Key, seen, "", false, Both), s.registers(p.Key),
		strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10), strconv.Itoa(p.Slot))
}

// Read reads what the others are answered.
func (s Slots) Read(p *Params, op core.Op, value string, replies []resp.Reply) core.Vote {
	if op != core.Ask {
		return p.readAlone(op, value, replies)
	}
	return s.readTake(p, replies[0])
}

func (s Slots) readTake(p *Params, r resp.Reply) core.Vote {
	if r.Kind == resp.Error {
		return failed(r)
	}
	of := func(i int) (n int64, ok bool) {
		if i >= len(r.Items) || r.Items[i].Kind != resp.Int {
			return 0, false
		}
		return r.Items[i].Int, true
	}
	granted, ok1 := of(0)
	second, ok2 := of(1)
	third, ok3 := of(2)
	rank, ok4 := of(3)
	switch {
	case r.Kind != resp.Array || !ok1 || !ok2 || !ok3:
	case granted == 1 && third >= 0 && third < MostSlots:
		return core.Vote{Answer: core.Granted, Accepted: second == 1, Slot: int(third)}
	case granted == 0 && ok4:
		return core.Vote{
			Answer: core.Refused, Holder: describedFormat + fmt.Sprintf("%d of %d holders", s.K, s.K),
			Remaining: time.Duration(max(1, second)) * time.Millisecond, Reserved: third == 1,
			Queued: p.Waiter != "" && rank >= 0, Rank: int(max(0, min(rank, 1<<20))),
		}
	}
	return garbage("%v to the taking of a slot", r)
}
