package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// What is said to a node by who only looks: no command here writes.

// View is what a node keeps of a key.
type View struct {
	Value     string        // unmarked; "" if nobody has the key
	Remaining time.Duration // how long the key lives yet; Forever if it does not expire
	Register  uint64        // the highest token that the node has seen, 0 if it knows none
	Waiters   []Waiter      // the first of them, in order

	Readers     []Share  // who share the key to read it
	Slots       []Share  // who have a slot of the semaphore of that name, by slot
	SlotWaiters []Waiter // who wait for one
}

// Share is what one of several holders has.
type Share struct {
	Value     string
	Slot      int
	Remaining time.Duration // 0 if it is not known
}

// Forever is View.Remaining of a key without an expiry.
const Forever time.Duration = -1

// MostWaiters is how many of those who wait a node is asked for, and how many of those who
// share the key.
const MostWaiters = 100

const last = "99" // of so many

// Look asks for all that a node keeps of a key, and of the semaphore of that name. ReadLook
// reads the replies.
func Look(key string) []resp.Command {
	return []resp.Command{
		{"GET", key},
		{"PTTL", key},
		{"ZSCORE", Register(key), member},
		{"ZRANGE", Queue(key), "0", last},
		{"TIME"},
		sharers(readers(key)),
		sharers(Slots{}.holders(key)),
		sharers(Slots{}.expiries(key)),
		{"ZRANGE", Slots{}.queue(key), "0", last},
	}
}

// ReadLook reads what a node keeps of a key. The key itself was told if told is true;
// the error says what else was not.
func ReadLook(replies []resp.Reply) (s View, told bool, err error) {
	if len(replies) < 9 {
		return s, false, garbage("%d replies to a batch of 9", len(replies)).Err
	}
	if s.Value, s.Remaining, err = readKey(replies[0], replies[1]); err != nil {
		return View{}, false, err
	}
	for _, r := range replies {
		if r.Kind == resp.Error && err == nil {
			err = ServerError(r.Text)
		}
	}
	if replies[2].Kind == resp.Text {
		s.Register = readToken(replies[2].Text)
	}
	s.Waiters, s.SlotWaiters = readWaiters(replies[3]), readWaiters(replies[8])
	s.share(replies)
	return s, true, err
}

func readWaiters(r resp.Reply) (list []Waiter) {
	for _, item := range r.Items {
		list = append(list, Waiter(item.Text))
	}
	return list
}

// share reads who share the key, or have slots, but for those whose time is over. What is
// reserved is nobody's.
func (v *View) share(replies []resp.Reply) {
	now := readClock(replies[4])
	if IsShared(v.Value) {
		for _, r := range scored(replies[5]) {
			if left := r.score - now; left > 0 || now == 0 {
				v.Readers = append(v.Readers, Share{Value: r.name, Remaining: remaining(left, now)})
			}
		}
	}
	v.haveSlots(replies[6], replies[7], now)
}

// haveSlots reads who have slots, and until when. What others keep under such a name is nobody's.
func (v *View) haveSlots(holders, expiries resp.Reply, now float64) {
	until := make(map[string]float64)
	for _, e := range scored(expiries) {
		until[e.name] = e.score
	}
	for _, r := range scored(holders) {
		left := until[r.name] - now
		if IsReservation(r.name) || !IsOurs(r.name) || until[r.name] > 0 && now > 0 && left <= 0 {
			continue
		}
		sh := Share{Value: r.name, Slot: int(r.score)}
		if until[r.name] > 0 {
			sh.Remaining = remaining(left, now)
		}
		v.Slots = append(v.Slots, sh)
	}
}

// remaining is the time that is left, in ms; 0 if the node's clock is not known.
func remaining(left, now float64) time.Duration {
	if now == 0 {
		return 0
	}
	return time.Duration(left) * time.Millisecond
}

// readClock reads TIME as ms, 0 if it was not told.
func readClock(r resp.Reply) float64 {
	if r.Kind != resp.Array || len(r.Items) != 2 {
		return 0
	}
	seconds, err1 := strconv.ParseFloat(r.Items[0].Text, 64)
	micros, err2 := strconv.ParseFloat(r.Items[1].Text, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return seconds*1000 + math.Floor(micros/1000)
}

type scoredMember struct {
	name  string
	score float64
}

// scored reads members and their scores: one after the other, or, in RESP3, in pairs.
func scored(r resp.Reply) (list []scoredMember) {
	flat := make([]string, 0, 2*len(r.Items))
	for _, item := range r.Items {
		if item.Kind == resp.Array && len(item.Items) == 2 {
			flat = append(flat, item.Items[0].Text, item.Items[1].Text)
		} else {
			flat = append(flat, item.Text)
		}
	}
	for i := 0; i+1 < len(flat); i += 2 {
		score, _ := strconv.ParseFloat(flat[i+1], 64)
		list = append(list, scoredMember{flat[i], score})
	}
	return list
}

func readKey(value, pttl resp.Reply) (text string, remaining time.Duration, err error) {
	switch {
	case value.Kind == resp.Error:
		return "", 0, ServerError(value.Text)
	case value.Kind == resp.Nil:
		return "", 0, nil
	case value.Kind != resp.Text:
		return "", 0, garbage("%v to GET", value).Err
	case pttl.Kind == resp.Int && pttl.Int == -1:
		remaining = Forever
	case pttl.Kind == resp.Int && pttl.Int >= 0:
		remaining = time.Duration(max(1, pttl.Int)) * time.Millisecond
	}
	return Unmarked(value.Text), remaining, nil
}

// readToken reads a score as a token. Above 2^53 it is no integer any more.
func readToken(score string) uint64 {
	if token, err := strconv.ParseUint(score, 10, 64); err == nil {
		return token
	}
	if f, err := strconv.ParseFloat(score, 64); err == nil && f > 0 {
		return uint64(min(f, 1<<53))
	}
	return 0
}

// Listed is one of the kinds of what List goes over: what is held under a name.
type Listed int

// The kinds.
const (
	Locks Listed = iota
	Semaphores
)

// Page asks for the keys of a node that begin with the prefix, some of them at a time:
// from a cursor, at first "0". ReadPage reads the reply.
func (l Listed) Page(cursor, prefix string) resp.Command {
	pattern := escaped.Replace(prefix) + "*"
	if l == Semaphores {
		pattern = Slots{}.holders(pattern)
	}
	return resp.Command{"SCAN", cursor, "MATCH", pattern, "COUNT", pageSize}
}

// pageSize is how many places of its table a node looks at in one call: some tenths of a
// millisecond, in which it does nothing else.
const pageSize = "512"

// escaped makes each character of a name stand for itself in a pattern.
var escaped = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// ReadPage reads a page: the keys of what is of this kind, or may be, and the cursor of the next
// page, "0" after the last.
func (l Listed) ReadPage(r resp.Reply) (keys []string, next string, err error) {
	switch {
	case r.Kind == resp.Error:
		return nil, "", ServerError(r.Text)
	case r.Kind != resp.Array || len(r.Items) != 2 || r.Items[0].Kind != resp.Text || r.Items[1].Kind != resp.Array:
		return nil, "", garbage("%v to SCAN", r).Err
	}
	for _, item := range r.Items[1].Items {
		key := item.Text
		switch {
		case l == Semaphores:
			key = strings.TrimSuffix(strings.TrimPrefix(key, "{"), "}:s")
			if key == "" || (Slots{}).holders(key) != item.Text {
				continue
			}
		case key == FreshKey || isHelper(key):
			continue
		}
		keys = append(keys, key)
	}
	return keys, r.Items[0].Text, nil
}

// isHelper reports whether a key is one of those that stand beside a lock's own: its name
// in braces, a colon, and what it is for.
func isHelper(key string) bool {
	end := strings.LastIndex(key, "}:")
	return strings.HasPrefix(key, "{") && end > 0 && len(key) > end+2
}

// Holders asks who has each of the keys. ReadHolders reads the replies.
func (l Listed) Holders(keys []string) []resp.Command {
	batch := make([]resp.Command, 0, 2*len(keys)+1)
	for _, key := range keys {
		if l == Semaphores {
			batch = append(batch, sharers(Slots{}.holders(key)), sharers(Slots{}.expiries(key)))
		} else {
			batch = append(batch, resp.Command{"GET", key}, resp.Command{"PTTL", key})
		}
	}
	if l == Semaphores {
		batch = append(batch, resp.Command{"TIME"})
	}
	return batch
}

// sharers asks for the first of several who have something, and their scores.
func sharers(key string) resp.Command { return resp.Command{"ZRANGE", key, "0", last, "WITHSCORES"} }

// ReadHolders reads who has each of so many keys. Of a key that holds something else than
// it should it says nothing.
func (l Listed) ReadHolders(n int, replies []resp.Reply) ([]View, error) {
	want := 2 * n
	if l == Semaphores {
		want++ // the clock
	}
	if len(replies) != want {
		return nil, fmt.Errorf("%d replies to a batch of %d: this is no Redis server", len(replies), want)
	}
	sights := make([]View, n)
	for i := range sights {
		holder, life := replies[2*i], replies[2*i+1]
		if holder.Code() == "WRONGTYPE" || life.Code() == "WRONGTYPE" {
			continue
		}
		if err := l.readHolder(&sights[i], holder, life, replies[len(replies)-1]); err != nil {
			return nil, err
		}
	}
	return sights, nil
}

func (l Listed) readHolder(v *View, holder, life, clock resp.Reply) (err error) {
	if l == Locks {
		v.Value, v.Remaining, err = readKey(holder, life)
		return err
	}
	for _, r := range []resp.Reply{holder, life, clock} {
		if r.Kind == resp.Error {
			return ServerError(r.Text)
		}
	}
	v.haveSlots(holder, life, readClock(clock))
	return nil
}
