package script

import (
	"slices"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// The scripts for several keys in Go, call by call as in their Lua.

// set is what all.lua makes of KEYS.
type set struct {
	*run
	keys, registers, queues []string
}

func (r *run) allOf(keys []string) set {
	n := len(keys) / 3
	return set{r, keys[:n], keys[n : 2*n], keys[2*n : 3*n]}
}

// taking is what take_all finds out.
type taking struct {
	ours, kept, free []int
	later            map[int]string
	busy             []int
	marks            []int // of the busy ones, those whose holder is to be marked
	shared           []int // and those that are shared by readers
	holder           resp.Reply
	rest             int64
	where            int // -1: all are to be had
}

func (s set) look(value, waiter, ms string) taking {
	t := taking{later: map[int]string{}, where: -1}
	for i, key := range s.keys {
		has, gap := s.must("GET", key), int64(0)
		if has.Kind == resp.Nil && waiter != "" {
			if gap = s.left(s.queues[i]); gap > 0 {
				has = resp.OfText(reservedFormat)
			} else if first, ok := s.reserve(key, s.queues[i], waiter, ms); ok {
				has = resp.OfText(reservedFormat + first)
			}
		}
		reserved := ""
		if has.Kind == resp.Text && IsReservation(has.Text) {
			reserved = cut(has.Text, 4)
		}
		switch {
		case holds(has, value):
			t.ours = append(t.ours, i)
		case reserved != "" && reserved == waiter:
			t.kept = append(t.kept, i)
		case reserved != "" && waiter != "" && waiter < reserved:
			t.later[i] = reserved
		case has.Kind == resp.Text:
			left := gap
			if gap == 0 {
				left = s.must("PTTL", key).Int
			}
			t.busy = append(t.busy, i)
			if strings.HasPrefix(has.Text, format) {
				t.marks = append(t.marks, i)
			}
			if IsShared(has.Text) {
				t.shared = append(t.shared, i)
			}
			if t.where < 0 || left < 0 || t.rest >= 0 && left > t.rest {
				t.holder, t.rest, t.where = has, left, i
			}
		default:
			t.free = append(t.free, i)
		}
	}
	return t
}

func (r *run) takeAll(keys, args []string) resp.Reply {
	if len(keys)%3 != 0 {
		return notModelled("the script take_all with as many keys")
	}
	return scripted(func() resp.Reply {
		s := r.allOf(keys)
		value, ttl, token, retention, waiter, ms, kept, keep := args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7]
		t := s.look(value, waiter, ms)
		if t.where >= 0 {
			return s.refuse(t, value, waiter, ms, kept, keep, token, retention)
		}
		highest := ""
		for i, key := range s.keys {
			if slices.Contains(t.ours, i) {
				s.must("PEXPIRE", key, ttl)
			} else {
				if later, ok := t.later[i]; ok {
					s.join(s.queues[i], later, kept)
				}
				if waiter != "" {
					s.must("ZREM", s.queues[i], waiter)
				}
				text := value
				if s.must("EXISTS", s.queues[i]).Int == 1 {
					text = marked(value)
				}
				s.must("SET", key, text, "PX", ttl)
			}
			if s.must("ZADD", s.registers[i], "GT", "CH", token, member).Int == 0 {
				seen := s.must("ZSCORE", s.registers[i], member).Text
				if highest == "" || number(seen) > number(highest) {
					highest = seen
				}
			}
			s.must("PEXPIRE", s.registers[i], retention)
		}
		if highest != "" {
			return resp.OfArray(resp.OfInt(1), resp.OfInt(0), resp.OfText(highest))
		}
		return resp.OfArray(resp.OfInt(1), resp.OfInt(1))
	})
}

func (s set) refuse(t taking, value, waiter, ms, kept, keep, token, retention string) resp.Reply {
	for _, i := range t.ours {
		s.giveBack(s.keys[i], s.queues[i], value, "", ms, "", string(Both))
	}
	rank := resp.OfInt(0)
	if waiter != "" {
		for _, i := range t.busy {
			s.join(s.queues[i], waiter, kept)
			if slices.Contains(t.marks, i) {
				s.must("SETRANGE", s.keys[i], "3", "+")
			}
			if slices.Contains(t.shared, i) {
				s.appear(s.queues[i], s.registers[i], waiter, token, retention)
			}
		}
		for _, i := range t.free {
			s.must("ZREM", s.queues[i], waiter)
		}
		for _, i := range t.kept {
			s.must("PEXPIRE", s.keys[i], keep)
		}
		rank = s.must("ZRANK", s.queues[t.where], waiter)
	}
	return resp.OfArray(resp.OfInt(0), t.holder, resp.OfInt(t.rest), rank, resp.OfInt(int64(t.where+1)))
}

func (r *run) releaseAll(keys, args []string) resp.Reply {
	if len(keys)%3 != 0 {
		return notModelled("the script release_all with as many keys")
	}
	return scripted(func() resp.Reply {
		s := r.allOf(keys)
		all, next := true, false
		for i := range s.keys {
			ours, first := s.giveBack(s.keys[i], s.queues[i], args[0], args[1], args[2], args[3], args[4])
			all, next = all && ours, next || first
		}
		switch {
		case !all:
			return resp.OfInt(0)
		case next:
			return resp.OfInt(2)
		}
		return resp.OfInt(1)
	})
}

func (r *run) extendAll(keys, args []string) resp.Reply {
	if len(keys)%3 != 0 {
		return notModelled("the script extend_all with as many keys")
	}
	return scripted(func() resp.Reply {
		s := r.allOf(keys)
		value, ttl, token, retention, waiter, ms := args[0], args[1], args[2], args[3], args[4], args[5]
		var ours []int
		other := resp.Reply{}
		for i, key := range s.keys {
			switch holder := s.must("GET", key); {
			case holds(holder, value):
				ours = append(ours, i)
			case holder.Kind == resp.Text && holder.Text != reservedFormat+waiter:
				other = holder
			}
		}
		switch {
		case other.Kind == resp.Text:
			for _, i := range ours {
				s.giveBack(s.keys[i], s.queues[i], value, "", ms, "", string(Both))
			}
			return other
		case len(ours) == 0:
			return resp.OfInt(0)
		case len(ours) < len(s.keys):
			return resp.OfInt(-1)
		}
		for i, key := range s.keys {
			s.must("PEXPIRE", key, ttl)
			s.must("ZADD", s.registers[i], "GT", token, member)
			s.must("PEXPIRE", s.registers[i], retention)
		}
		return resp.OfInt(1)
	})
}

func (r *run) raiseAll(keys, args []string) resp.Reply {
	if len(keys)%3 != 0 {
		return notModelled("the script raise_all with as many keys")
	}
	return scripted(func() resp.Reply {
		s := r.allOf(keys)
		value, token, retention := args[0], args[1], args[2]
		for _, key := range s.keys {
			if !holds(s.must("GET", key), value) {
				return resp.OfArray(resp.OfInt(-1))
			}
		}
		accepted, highest := int64(1), token
		for i := range s.keys {
			if s.must("ZADD", s.registers[i], "GT", "CH", token, member).Int == 0 {
				accepted = 0
				if seen := s.must("ZSCORE", s.registers[i], member).Text; number(seen) > number(highest) {
					highest = seen
				}
			}
			s.must("PEXPIRE", s.registers[i], retention)
		}
		return resp.OfArray(resp.OfInt(accepted), resp.OfText(highest))
	})
}
