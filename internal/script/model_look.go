package script

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// What only those need who look, or take a lock from its holder.

func (r *run) evict(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, register, queue := keys[0], keys[1], keys[2]
		value, token, retention, ms, deputy := args[0], args[1], args[2], args[3], args[4]
		holder := r.must("GET", key)
		held := holder.Kind == resp.Text
		seen := held && (holder.Text == value || strings.HasPrefix(value, format) && holder.Text == marked(value))
		if held && !seen && !IsReservation(holder.Text) {
			return resp.OfArray(resp.OfInt(0), holder)
		}
		if refusal, refused := r.above(register, token, retention, member); refused {
			return refusal
		}
		if !seen {
			return resp.OfArray(resp.OfInt(0))
		}
		r.must("DEL", key)
		_, reserved := r.reserve(key, queue, "", ms)
		if reserved {
			r.appoint(key, queue, deputy)
		}
		if reserved {
			return resp.OfArray(resp.OfInt(2))
		}
		return resp.OfArray(resp.OfInt(1))
	})
}

// above is that of evicting.lua.
func (r *run) above(register, token, retention, member string) (refusal resp.Reply, refused bool) {
	if r.must("ZADD", register, "GT", "CH", token, member).Int == 0 {
		return resp.OfArray(resp.OfInt(-1), r.must("ZSCORE", register, member)), true
	}
	r.must("PEXPIRE", register, retention)
	return refusal, false
}

func (r *run) evictSlot(keys, args []string) resp.Reply {
	refusal := scripted(func() resp.Reply {
		s := slotSets{run: r, holders: keys[0], expiries: keys[1]}
		value, token, retention, slot := args[0], args[6], args[7], args[8]
		if other, taken := s.holderOf(integer(slot)); taken && other != value && !IsReservation(other) {
			if s.clock(); s.slotOf(other) != nobody {
				return resp.OfArray(resp.OfInt(0), resp.OfText(other))
			}
		}
		refusal, _ := r.above(keys[3], token, retention, slot)
		return refusal
	})
	if refusal.Kind != resp.Nil {
		return refusal
	}
	return r.releaseSlot(keys, args)
}

func (r *run) evictReader(keys, args []string) resp.Reply {
	refusal := scripted(func() resp.Reply {
		value, token, retention := args[0], args[6], args[7]
		holder := r.must("GET", keys[0])
		switch {
		case holder.Kind != resp.Text, holder.Text == value, holder.Text == marked(value), holder.Text == sharedValue, IsReservation(holder.Text):
		default:
			return resp.OfArray(resp.OfInt(0), holder)
		}
		refusal, _ := r.above(keys[3], token, retention, member)
		return refusal
	})
	if refusal.Kind != resp.Nil {
		return refusal
	}
	return r.readRelease(keys, args)
}

func (r *run) tellEvicted(_, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		told := int64(0)
		for _, c := range r.must("PUBSUB", "CHANNELS", channel+"*").Items {
			told += r.must("PUBLISH", c.Text, args[0]).Int
		}
		return resp.OfInt(told)
	})
}

// pubsub is PUBSUB CHANNELS [pattern]. Redis gives them in any order.
func (r *run) pubsub(cmd resp.Command) resp.Reply {
	if !strings.EqualFold(cmd[1], "channels") || len(cmd) > 3 {
		return notModelled("this form of PUBSUB")
	}
	pattern := "*"
	if len(cmd) == 3 {
		pattern = cmd[2]
	}
	if !plainGlob(pattern) {
		return notModelled("a class of characters in a pattern")
	}
	list := resp.OfArray()
	if r.Channels == nil {
		return list
	}
	for _, c := range r.Channels() {
		if glob(pattern, c) {
			list.Items = append(list.Items, resp.OfText(c))
		}
	}
	return list
}

// scan is SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]. Redis gives the keys in
// an order of its own, as this does, and both give a key at least once that is there from
// the first call to the last.
func (r *run) scan(cmd resp.Command) resp.Reply {
	cursor, err := strconv.ParseUint(cmd[1], 10, 64)
	if err != nil {
		return resp.OfError("ERR invalid cursor")
	}
	pattern, kind, count := "*", "", int64(10)
	for i := 2; i < len(cmd); i += 2 {
		if i+1 == len(cmd) {
			return syntaxError
		}
		arg := cmd[i+1]
		switch strings.ToLower(cmd[i]) {
		case "match":
			pattern = arg
		case "type":
			kind = strings.ToLower(arg)
		case "count":
			n, ok := parseInt(arg)
			switch {
			case !ok:
				return notInteger
			case n < 1:
				return syntaxError
			}
			count = n
		default:
			return syntaxError
		}
	}
	if !plainGlob(pattern) {
		return notModelled("a class of characters in a pattern")
	}
	var places []uint64 // of the keys, from the cursor on
	at := make(map[uint64][]string)
	for key := range r.keys {
		place := scanPlace(key)
		if place < cursor {
			continue
		}
		if at[place] == nil {
			places = append(places, place)
		}
		at[place] = append(at[place], key)
	}
	slices.Sort(places)
	next := "0"
	if int64(len(places)) > count {
		next = strconv.FormatUint(places[count], 10)
		places = places[:count]
	}
	found := resp.OfArray()
	for _, place := range places {
		slices.Sort(at[place])
		for _, key := range at[place] {
			if e, alive := r.find(key); alive && glob(pattern, key) && (kind == "" || kind == e.kind()) {
				found.Items = append(found.Items, resp.OfText(key))
			}
		}
	}
	return resp.OfArray(resp.OfText(next), found)
}

// scanPlace is where SCAN comes to a key: never at 0, which is where it begins.
func scanPlace(key string) uint64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return uint64(h.Sum32()) + 1
}

// plainGlob reports whether a pattern is one that glob knows.
func plainGlob(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			return false
		}
	}
	return true
}

// glob matches as Redis does, without classes of characters: * and ?, and \ before a
// character that stands for itself.
func glob(pattern, s string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := 0; i <= len(s); i++ {
				if glob(pattern[1:], s[i:]) {
					return true
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
		case '\\':
			if len(pattern) > 1 {
				pattern = pattern[1:]
			}
			fallthrough
		default:
			if s == "" || pattern[0] != s[0] {
				return false
			}
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}
