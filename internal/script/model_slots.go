package script

import (
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// The scripts of a semaphore in Go, call by call as in their Lua.

// slotSets are the sets of a semaphore and its queue, as slots.lua describes them.
type slotSets struct {
	*run
	holders, expiries, queue string
	now                      int64
	ms, key                  string
}

// nobody is a slot that there is not: nil in the Lua.
const nobody = -1

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// integer is tonumber of a whole number.
func integer(s string) int64 {
	f, _ := strconv.ParseFloat(s, 64)
	return int64(f)
}

func (s *slotSets) clock() {
	t := s.must("TIME")
	s.now = integer(t.Items[0].Text)*1000 + integer(t.Items[1].Text)/1000
}

func (s *slotSets) slotOf(value string) int64 {
	slot := s.must("ZSCORE", s.holders, value)
	if slot.Kind == resp.Nil {
		return nobody
	}
	if till := s.must("ZSCORE", s.expiries, value); till.Kind == resp.Nil || integer(till.Text) < s.now {
		return nobody
	}
	return integer(slot.Text)
}

func (s *slotSets) holderOf(slot int64) (value string, ok bool) {
	found := s.must("ZRANGE", s.holders, itoa(slot), itoa(slot), "BYSCORE")
	if len(found.Items) == 0 {
		return "", false
	}
	return found.Items[0].Text, true
}

func (s *slotSets) purge() {
	for {
		dead := s.must("ZRANGE", s.expiries, "-inf", "("+itoa(s.now), "BYSCORE", "LIMIT", "0", "1000")
		if len(dead.Items) > 0 {
			for _, set := range []string{s.holders, s.expiries} {
				cmd := []string{"ZREM", set}
				for _, d := range dead.Items {
					cmd = append(cmd, d.Text)
				}
				s.must(cmd...)
			}
		}
		if len(dead.Items) < 1000 {
			return
		}
	}
}

func (s *slotSets) put(slot int64, value, ms string) {
	s.must("ZADD", s.holders, itoa(slot), value)
	s.must("ZADD", s.expiries, itoa(s.now+integer(ms)), value)
}

func (s *slotSets) drop(value string) {
	s.must("ZREM", s.holders, value)
	s.must("ZREM", s.expiries, value)
}

func (s *slotSets) keep() {
	if last := s.must("ZRANGE", s.expiries, "-1", "-1", "WITHSCORES"); len(last.Items) > 1 {
		ms := itoa(max(0, integer(last.Items[1].Text)-s.now) + 1000)
		s.must("PEXPIRE", s.holders, ms)
		s.must("PEXPIRE", s.expiries, ms)
	}
}

func (s *slotSets) gap(from, to int64) int64 {
	full := func(from, till int64) bool {
		return s.must("ZCOUNT", s.holders, itoa(from), itoa(till-1)).Int >= till-from
	}
	for step := int64(1); from < to; step *= 2 {
		till := min(from+step, to)
		if !full(from, till) {
			for till-from > 1 {
				if middle := (from + till) / 2; !full(from, middle) {
					till = middle
				} else {
					from = middle
				}
			}
			return from
		}
		from = till
	}
	return nobody
}

func (s *slotSets) bequeath(slot int64, before string) bool {
	for at := int64(0); ; {
		first := s.must("ZRANGE", s.queue, itoa(at), itoa(at))
		if len(first.Items) == 0 || before != "" && first.Items[0].Text >= before {
			return false
		}
		waiter := first.Items[0].Text
		if int64(slotsOf(Waiter(waiter))) <= slot {
			at++
			continue
		}
		s.must("ZREM", s.queue, waiter)
		if s.slotOf(reservedFormat+waiter) == nobody && s.tell("+", waiter, s.key+" "+itoa(slot)) {
			s.put(slot, reservedFormat+waiter, s.ms)
			return true
		}
	}
}

// asking is take_slot as it runs.
type asking struct {
	slotSets
	value, waiter, kept string
	k, hint             int64
}

func (s *asking) oust(slot int64) bool {
	holder, ok := s.holderOf(slot)
	if !ok {
		return true
	}
	other := cut(holder, 4)
	if s.waiter == "" || !IsReservation(holder) || s.waiter > other {
		return false
	}
	s.drop(holder)
	if other != s.waiter {
		s.join(s.queue, other, s.kept)
	}
	return true
}

func (s *asking) free() int64 {
	for {
		slot := s.gap(s.hint, s.k)
		if slot == nobody {
			slot = s.gap(0, s.hint)
		}
		if slot == nobody || !s.bequeath(slot, s.waiter) {
			return slot
		}
	}
}

func (s *asking) later() int64 {
	last, slot := s.waiter, int64(nobody)
	soon := s.must("ZRANGE", s.expiries, itoa(s.now), itoa(s.now+integer(s.ms)), "BYSCORE", "LIMIT", "0", "64")
	for _, holder := range soon.Items {
		at := s.slotOf(holder.Text)
		if at != nobody && at < s.k && IsReservation(holder.Text) && cut(holder.Text, 4) > last {
			last, slot = cut(holder.Text, 4), at
		}
	}
	if slot == nobody || !s.oust(slot) {
		return nobody
	}
	return slot
}

func (r *run) takeSlot(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		register := keys[2]
		ttl, token, retention, how := args[1], args[2], args[3], args[6]
		s := asking{
			slotSets: slotSets{run: r, holders: keys[0], expiries: keys[1], queue: keys[3], ms: args[8], key: args[10]},
			value:    args[0], waiter: args[7], kept: args[9], k: integer(args[4]), hint: integer(args[5]),
		}
		own := reservedFormat + s.waiter
		s.clock()
		s.purge()
		slot := s.slotOf(s.value)
		if slot == nobody || how == "must" && slot != s.hint {
			had, kept := slot, int64(nobody)
			if s.waiter != "" {
				kept = s.slotOf(own)
			}
			slot = nobody
			switch {
			case how == "must":
				s.drop(s.value)
				if s.oust(s.hint) {
					slot = s.hint
				}
			case kept != nobody && (how == "any" || kept == s.hint):
				slot = kept
			default:
				slot = s.choose(how, kept)
			}
			granted := slot != nobody
			if s.waiter != "" && (granted || how == "must") {
				s.must("ZREM", s.queue, s.waiter)
				s.drop(own)
			}
			if granted {
				s.put(slot, s.value, ttl)
			}
			if kept != nobody && kept != slot && (granted || how == "must") {
				s.bequeath(kept, "")
			}
			if had != nobody {
				s.bequeath(had, "")
			}
		}
		if slot != nobody {
			accepted := s.must("ZADD", register, "GT", "CH", token, itoa(slot))
			s.must("PEXPIRE", register, retention)
			s.keep()
			return resp.OfArray(resp.OfInt(1), accepted, resp.OfInt(slot))
		}
		rank := int64(-1)
		if s.waiter != "" && how != "must" {
			s.join(s.queue, s.waiter, s.kept)
			rank = s.must("ZRANK", s.queue, s.waiter).Int
		}
		s.keep()
		return s.refusal(rank)
	})
}

// choose is which slot, if it is not the one that is reserved for us at once.
func (s *asking) choose(how string, kept int64) int64 {
	if how == "want" {
		_, had := s.holderOf(s.hint)
		if (had || !s.bequeath(s.hint, s.waiter)) && s.oust(s.hint) {
			return s.hint
		}
	}
	if kept != nobody {
		return kept
	}
	if slot := s.free(); slot != nobody {
		return slot
	}
	if how == "any" && s.waiter != "" {
		return s.later()
	}
	return nobody
}

// refusal says when the first slot will be free.
func (s *asking) refusal(rank int64) resp.Reply {
	reply := resp.OfArray(resp.OfInt(0), resp.OfInt(0), resp.OfInt(0), resp.OfInt(rank))
	found := false
	for i := range int64(20) {
		entry := s.must("ZRANGE", s.expiries, itoa(i), itoa(i), "WITHSCORES")
		if len(entry.Items) == 0 {
			break
		}
		holder := entry.Items[0].Text
		reserved := int64(0)
		if strings.HasPrefix(holder, reservedFormat) {
			reserved = 1
		}
		slot := s.must("ZSCORE", s.holders, holder)
		counts := slot.Kind != resp.Nil && integer(slot.Text) < s.k && (rank < 2 || reserved == 0)
		if counts || !found {
			found = true
			reply.Items[1], reply.Items[2] = resp.OfInt(max(0, integer(entry.Items[1].Text)-s.now)), resp.OfInt(reserved)
		}
		if counts {
			break
		}
	}
	return reply
}

func (r *run) releaseSlot(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		s := slotSets{run: r, holders: keys[0], expiries: keys[1], queue: keys[2], ms: args[2], key: args[5]}
		value, waiter, kept, deputy := args[0], args[1], args[3], args[4]
		stays := kept != ""
		s.clock()
		ours := s.slotOf(value) != nobody
		if waiter != "" && (ours || !stays) {
			s.must("ZREM", s.queue, waiter)
		}
		given := false
		give := func(of string) {
			freed := s.slotOf(of)
			s.drop(of)
			if freed != nobody && s.bequeath(freed, "") {
				given = true
			}
		}
		give(value)
		if waiter != "" && !stays {
			give(reservedFormat + waiter)
		}
		if stays && ours {
			s.join(s.queue, waiter, kept)
		}
		if given {
			s.keep()
		}
		for _, index := range deputies[Deputy(deputy)] {
			for given {
				list := s.must("ZRANGE", s.queue, index, index)
				if len(list.Items) == 0 || s.tell("?", list.Items[0].Text, s.key) ||
					s.must("ZREM", s.queue, list.Items[0].Text).Int == 0 {
					break
				}
			}
		}
		switch {
		case !ours:
			return resp.OfInt(0)
		case given:
			return resp.OfInt(2)
		}
		return resp.OfInt(1)
	})
}

func (r *run) extendSlot(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		s := slotSets{run: r, holders: keys[0], expiries: keys[1]}
		register := keys[2]
		value, ttl, token, retention, slot := args[0], args[1], args[2], args[3], args[4]
		s.clock()
		if s.slotOf(value) != integer(slot) {
			holder, ok := s.holderOf(integer(slot))
			if ok && holder != value && s.slotOf(holder) != nobody {
				return resp.OfText(holder)
			}
			return resp.OfInt(0)
		}
		s.must("ZADD", s.expiries, itoa(s.now+integer(ttl)), value)
		s.must("ZADD", register, "GT", token, slot)
		s.must("PEXPIRE", register, retention)
		s.keep()
		return resp.OfInt(1)
	})
}

func (r *run) raiseSlot(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		s := slotSets{run: r, holders: keys[0], expiries: keys[1]}
		register := keys[2]
		value, token, retention, slot := args[0], args[1], args[2], args[3]
		s.clock()
		if s.slotOf(value) != integer(slot) {
			return resp.OfArray(resp.OfInt(-1))
		}
		if s.must("ZADD", register, "GT", "CH", token, slot).Int == 1 {
			s.must("PEXPIRE", register, retention)
			return resp.OfArray(resp.OfInt(1), resp.OfText(token))
		}
		return resp.OfArray(resp.OfInt(0), s.must("ZSCORE", register, slot))
	})
}
