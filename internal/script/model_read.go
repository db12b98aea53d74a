package script

import (
	"math"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// The scripts of readers in Go, call by call as in their Lua.

// number is tonumber(s) of Lua; what is no number is 0, as in "tonumber(s) or 0".
func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0
	}
	return f
}

// whole is string.format('%.0f', f).
func whole(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

func (r *run) nodeClock() float64 {
	now := r.must("TIME")
	return number(now.Items[0].Text)*1000 + math.Floor(number(now.Items[1].Text)/1000)
}

func (r *run) reads(readers, value string, now float64) bool {
	over := r.must("ZSCORE", readers, value)
	return over.Kind == resp.Text && number(over.Text) > now
}

func (r *run) share(key, queue, readers, value string, now float64, ms string, begin bool) {
	over := whole(now + number(ms))
	if begin {
		r.must("DEL", readers)
		r.must("ZREMRANGEBYSCORE", late(queue), "1", "inf")
		r.must("SET", key, sharedValue, "PXAT", over)
		r.must("ZADD", readers, over, value)
		r.must("PEXPIREAT", readers, over)
		return
	}
	r.must("ZREMRANGEBYSCORE", readers, "-inf", whole(now))
	r.must("ZADD", readers, over, value)
	r.must("PEXPIREAT", readers, over, "GT")
	r.must("PEXPIREAT", key, over, "GT")
}

func (r *run) propose(register, token string) (accepted bool, writers float64) {
	marks := r.must("ZMSCORE", register, member, "r", "w").Items
	highest, writers := number(marks[0].Text), number(marks[2].Text)
	if marks[0].Kind == resp.Text && !marks[0].Equal(marks[1]) {
		r.must("ZADD", register, marks[0].Text, "w")
		writers = highest
	}
	mine := number(token)
	if mine > highest {
		r.must("ZADD", register, token, member, token, "r")
	}
	return mine > writers, writers
}

func (r *run) barrier(key, queue, waiter string, now float64, ms string) (by float64, stands bool) {
	for {
		first, ok := r.wake(key, queue)
		if !ok || waiter != "" && first >= waiter {
			return 0, false
		}
		by = number(r.must("ZSCORE", late(queue), first).Text)
		if by > now || shares(first) {
			return by, true
		}
		if by == 0 && r.tell("?", first, key) {
			by = now + 3*number(ms)
			r.must("ZADD", late(queue), whole(by), first)
			r.must("PEXPIRE", late(queue), whole(4*number(ms)))
			return by, true
		}
		r.must("ZREM", queue, first)
		r.must("ZREM", late(queue), first)
	}
}

func (r *run) readTake(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, register, queue, readers := keys[0], keys[1], keys[2], keys[3]
		value, ttl, token, retention, waiter, ms, queueKept := args[0], args[1], args[2], args[3], args[4], args[5], args[6]
		now := r.nodeClock()
		holder := r.must("GET", key)
		has := func(text string) bool { return holder.Kind == resp.Text && holder.Text == text }
		ours := holds(holder, value)
		if !ours && !(has(sharedValue) && r.reads(readers, value, now)) {
			if waiter != "" {
				r.must("ZREM", queue, waiter)
				r.must("ZREM", late(queue), waiter)
			}
			if holder.Kind == resp.Nil && waiter != "" {
				if gap := r.left(queue); gap > 0 {
					r.join(queue, waiter, queueKept)
					return resp.OfArray(resp.OfInt(0), resp.OfText(reservedFormat), resp.OfInt(gap), r.must("ZRANK", queue, waiter))
				}
			}
			if holder.Kind == resp.Nil {
				if first, ok := r.reserve(key, queue, waiter, ms); ok {
					holder = resp.OfText(reservedFormat + first)
				}
			}
			reserved := IsReservation(holder.Text)
			kept := cut(holder.Text, 4)
			free := holder.Kind == resp.Nil || reserved && kept == waiter
			by := 0.0
			switch {
			case free:
			case has(sharedValue) || reserved && shares(kept):
				var stands bool
				by, stands = r.barrier(key, queue, waiter, now, ms)
				free = !stands
				if free && reserved {
					r.called(queue, kept)
				}
			case reserved && waiter != "" && waiter < kept:
				r.join(queue, kept, queueKept)
				free = true
			}
			if !free {
				return r.readRefused(key, queue, waiter, queueKept, holder, now, by)
			}
			ours = true
		}
		if ours {
			r.share(key, queue, readers, value, now, ttl, !has(sharedValue))
		}
		r.wake(key, queue)
		accepted, highest := r.propose(register, token)
		r.must("PEXPIRE", register, retention)
		return resp.OfArray(resp.OfInt(1), ofBool(accepted), resp.OfText(whole(highest)))
	})
}

func (r *run) readRefused(key, queue, waiter, queueKept string, holder resp.Reply, now, by float64) resp.Reply {
	rank := int64(-1)
	if waiter != "" {
		r.join(queue, waiter, queueKept)
		rank = r.must("ZRANK", queue, waiter).Int
		if strings.HasPrefix(holder.Text, format) {
			r.must("SETRANGE", key, "3", "+")
		}
	}
	rest := r.must("PTTL", key).Int
	if by > now && rank == 1 {
		rest = int64(min(float64(rest), by-now))
	}
	return resp.OfArray(resp.OfInt(0), holder, resp.OfInt(rest), resp.OfInt(rank))
}

func (r *run) readRaise(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, register, readers := keys[0], keys[1], keys[2]
		value, token, retention := args[0], args[1], args[2]
		var accepted bool
		var highest float64
		switch holder := r.must("GET", key); {
		case holds(holder, value):
			accepted = r.must("ZADD", register, "GT", "CH", token, member).Int == 1
			highest = number(r.must("ZSCORE", register, member).Text)
		case holder.Text == sharedValue && r.reads(readers, value, r.nodeClock()):
			accepted, highest = r.propose(register, token)
		default:
			return resp.OfArray(resp.OfInt(-1))
		}
		r.must("PEXPIRE", register, retention)
		if accepted {
			return resp.OfArray(resp.OfInt(1), resp.OfText(token))
		}
		return resp.OfArray(resp.OfInt(0), resp.OfText(whole(highest)))
	})
}

func (r *run) readExtend(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, register, queue, readers := keys[0], keys[1], keys[2], keys[3]
		value, ttl, token, retention := args[0], args[1], args[2], args[3]
		now := r.nodeClock()
		holder := r.must("GET", key)
		if holder.Kind == resp.Nil {
			return resp.OfInt(0)
		}
		alone := holds(holder, value)
		switch {
		case !alone && holder.Text != sharedValue:
			return holder
		case !alone && !r.reads(readers, value, now):
			return resp.OfInt(0)
		}
		r.share(key, queue, readers, value, now, ttl, alone)
		if alone {
			r.must("ZADD", register, "GT", token, member)
			r.wake(key, queue)
		} else {
			r.propose(register, token)
		}
		r.must("PEXPIRE", register, retention)
		return resp.OfInt(1)
	})
}

func (r *run) readRelease(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, queue, readers := keys[0], keys[1], keys[2]
		value, waiter, ms, kept, deputy, stays := args[0], args[1], args[2], args[3], args[4], args[5] != ""
		holder := r.must("GET", key)
		has := func(text string) bool { return holder.Kind == resp.Text && holder.Text == text }
		ours := holds(holder, value)
		free := ours
		if has(sharedValue) {
			r.must("ZREMRANGEBYSCORE", readers, "-inf", whole(r.nodeClock()))
			ours = r.must("ZREM", readers, value).Int == 1
			free = r.must("EXISTS", readers).Int == 0
		}
		if waiter != "" && (ours || !stays) {
			r.must("ZREM", queue, waiter)
			r.must("ZREM", late(queue), waiter)
			free = free || !stays && has(reservedFormat+waiter)
		}
		if free {
			r.must("DEL", key)
			for _, called := range r.must("ZRANGE", late(queue), "0", "-1").Items {
				if shares(called.Text) {
					r.join(queue, called.Text, kept)
				}
			}
			_, reserved := r.reserve(key, queue, "", ms)
			if stays && ours {
				r.join(queue, waiter, kept)
			}
			if reserved {
				r.appoint(key, queue, deputy)
			}
			switch {
			case !ours:
				return resp.OfInt(0)
			case reserved:
				return resp.OfInt(2)
			}
			return resp.OfInt(1)
		}
		if !ours {
			return resp.OfInt(0)
		}
		if stays {
			r.join(queue, waiter, kept)
		}
		r.shorten(key, queue, readers, ms)
		return resp.OfInt(1)
	})
}

// shorten has the key live as long as the longest of its readers.
func (r *run) shorten(key, queue, readers, ms string) {
	last := r.must("ZRANGE", readers, "-1", "-1").Items[0].Text
	rest := r.must("PTTL", key).Int
	r.must("PEXPIREAT", key, r.must("ZSCORE", readers, last).Text)
	if float64(rest-r.must("PTTL", key).Int) <= number(ms) {
		return
	}
	if list := r.must("ZRANGE", queue, "0", "0"); len(list.Items) > 0 {
		r.tell("?", list.Items[0].Text, key)
	}
}

func ofBool(yes bool) resp.Reply {
	if yes {
		return resp.OfInt(1)
	}
	return resp.OfInt(0)
}

// Readers are the values of those who share the key at now.
func (m *Model) Readers(now int64, key string) (values []string) {
	if text, ok := m.Get(now, key); !ok || text != sharedValue {
		return nil
	}
	e, ok := m.keys[readers(key)]
	if !ok || !e.sorted || e.expiredAt(now) {
		return nil
	}
	for _, x := range e.members {
		if x.Score > float64(now) {
			values = append(values, x.Name)
		}
	}
	return values
}
