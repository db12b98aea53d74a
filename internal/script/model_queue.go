package script

import (
	"slices"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// The scripts of the queue in Go, call by call as in their Lua, and the commands that
// only they need.

func marked(value string) string { return markedFormat + cut(value, 4) }

// cut is string.sub(s, n+1).
func cut(s string, n int) string { return s[min(n, len(s)):] }

// process is string.sub(s, 18, 41), the process in a waiter's name.
func process(w string) string { return cut(w[:min(41, len(w))], 17) }

// fault is an error reply of a call, which ends the script.
type fault struct{ reply resp.Reply }

// must is redis.call: an error ends the script.
func (r *run) must(cmd ...string) resp.Reply {
	reply := r.exec(cmd)
	if reply.Kind == resp.Error {
		panic(fault{reply})
	}
	return reply
}

// scripted runs a script's body, and returns the error that ended it.
func scripted(body func() resp.Reply) (reply resp.Reply) {
	defer func() {
		if v := recover(); v != nil {
			f, ok := v.(fault)
			if !ok {
				panic(v)
			}
			reply = f.reply
		}
	}()
	return body()
}

func (r *run) tell(what, waiter, key string) bool {
	receivers := r.exec(resp.Command{"PUBLISH", channel + process(waiter), what + waiter + " " + key})
	return receivers.Kind == resp.Int && receivers.Int > 0
}

// shares reports whether a waiter's name has the mark of readers.
func shares(waiter string) bool { return strings.Contains(cut(waiter, 43), readersMark) }

func (r *run) called(queue, waiter string) {
	r.must("ZADD", late(queue), "0", waiter)
	r.must("PEXPIRE", late(queue), "2000")
}

// late is the name of the set of those who were called and have not come yet.
func late(queue string) string { return queue + ":late" }

func (r *run) wake(key, queue string) (first string, ok bool) {
	for woken := 0; ; woken++ {
		list := r.must("ZRANGE", queue, "0", "0")
		if len(list.Items) == 0 {
			return "", false
		}
		first = list.Items[0].Text
		if !shares(first) || woken == 100 {
			return first, true
		}
		r.must("ZREM", queue, first)
		if listens := r.tell("+", first, key); listens {
			r.called(queue, first)
		}
	}
}

func (r *run) quit(key, queue, waiter string, holder resp.Reply) {
	r.must("ZREM", queue, waiter)
	if shares(waiter) {
		r.must("ZREM", late(queue), waiter)
	}
	if IsShared(holder.Text) {
		r.wake(key, queue)
	}
}

func (r *run) appear(queue, register, waiter, token, retention string) {
	r.must("ZREM", late(queue), waiter)
	r.must("ZADD", register, "GT", token, member, token, "w")
	r.must("PEXPIRE", register, retention)
}

func (r *run) reserve(key, queue, before, ms string) (first string, ok bool) {
	for {
		list := r.must("ZRANGE", queue, "0", "0")
		if len(list.Items) == 0 {
			return "", false
		}
		first = list.Items[0].Text
		if before != "" && first >= before {
			return "", false
		}
		r.must("ZREM", queue, first)
		if r.tell("+", first, key) {
			r.must("SET", key, reservedFormat+first, "PX", ms)
			if shares(first) {
				r.wake(key, queue)
			}
			return first, true
		}
	}
}

func (r *run) left(queue string) int64 {
	return max(0, r.must("PTTL", queue+left).Int)
}

func (r *run) join(queue, waiter, ms string) {
	r.must("ZADD", queue, waiter[:min(16, len(waiter))], waiter)
	r.must("PEXPIRE", queue, ms)
}

func (r *run) take(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, register, queue := keys[0], keys[1], keys[2]
		value, ttl, token, retention, waiter, ms, kept, last := args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7]
		holder := r.must("GET", key)
		if holder.Kind == resp.Nil || holder.Text != value && holder.Text != marked(value) {
			free := holder.Kind == resp.Text && holder.Text == reservedFormat+waiter
			if holder.Kind == resp.Nil {
				if gap := r.left(queue); gap > 0 {
					r.join(queue, waiter, kept)
					return resp.OfArray(resp.OfInt(0), resp.OfText(reservedFormat), resp.OfInt(gap), r.must("ZRANK", queue, waiter))
				}
			}
			switch {
			case holder.Kind == resp.Nil:
				first, kept := r.reserve(key, queue, waiter, ms)
				holder, free = resp.OfText(reservedFormat+first), !kept
			case !free && IsReservation(holder.Text) && waiter < cut(holder.Text, 4):
				r.join(queue, cut(holder.Text, 4), kept)
				free = true
			}
			if !free {
				r.join(queue, waiter, kept)
				switch {
				case strings.HasPrefix(holder.Text, format):
					r.must("SETRANGE", key, "3", "+")
				case IsShared(holder.Text):
					r.appear(queue, register, waiter, token, retention)
				}
				pttl := r.must("PTTL", key)
				return resp.OfArray(resp.OfInt(0), holder, pttl, r.must("ZRANK", queue, waiter))
			}
			r.must("ZREM", queue, waiter)
			if r.must("EXISTS", queue).Int == 1 {
				value = marked(value)
			}
			r.must("SET", key, value, "PX", ttl)
		}
		accepted := r.must("ZADD", register, "GT", "CH", token, member)
		if last != token {
			r.must("ZADD", register, "GT", last, member)
		}
		r.must("PEXPIRE", register, retention)
		if accepted.Int == 0 {
			return resp.OfArray(resp.OfInt(1), resp.OfInt(0), r.must("ZSCORE", register, member))
		}
		return resp.OfArray(resp.OfInt(1), resp.OfInt(1))
	})
}

func (r *run) release(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		ours, reserved := r.giveBack(keys[0], keys[1], args[0], args[1], args[2], args[3], args[4])
		switch {
		case !ours:
			return resp.OfInt(0)
		case reserved:
			return resp.OfInt(2)
		}
		return resp.OfInt(1)
	})
}

func holds(holder resp.Reply, value string) bool {
	return holder.Kind == resp.Text && (holder.Text == value || holder.Text == marked(value))
}

func (r *run) giveBack(key, queue, value, waiter, ms, kept, deputy string) (ours, reserved bool) {
	holder := r.must("GET", key)
	has := func(text string) bool { return holder.Kind == resp.Text && holder.Text == text }
	ours = holds(holder, value)
	stays := kept != ""
	if waiter != "" && (ours || !stays) {
		r.quit(key, queue, waiter, holder)
	}
	if !ours && (waiter == "" || stays || !has(reservedFormat+waiter)) {
		return false, false
	}
	r.must("DEL", key)
	gap, leaves := strings.CutPrefix(ms, "-")
	switch {
	case leaves:
		r.must("SET", queue+left, "1", "PX", gap)
	case !has(value):
		_, reserved = r.reserve(key, queue, "", ms)
	}
	if stays {
		r.join(queue, waiter, kept)
	}
	if reserved || leaves {
		r.appoint(key, queue, deputy)
	}
	return ours, reserved
}

// appoint tells others to look after what is reserved for the first.
func (r *run) appoint(key, queue, who string) {
	for _, index := range deputies[Deputy(who)] {
		for {
			list := r.must("ZRANGE", queue, index, index)
			if len(list.Items) == 0 || r.tell("?", list.Items[0].Text, key) || r.must("ZREM", queue, list.Items[0].Text).Int == 0 {
				break
			}
		}
	}
}

// deputies are the ranks of those who are told.
var deputies = map[Deputy][]string{Next: {"0"}, Last: {"-1"}, Both: {"0", "-1"}}

// setrange is SETRANGE key offset value.
func (r *run) setrange(cmd resp.Command) resp.Reply {
	offset, ok := parseInt(cmd[2])
	switch {
	case !ok:
		return notInteger
	case offset < 0:
		return resp.OfError("ERR offset is out of range")
	}
	e, found := r.find(cmd[1])
	switch {
	case found && e.sorted:
		return wrongType
	case cmd[3] == "":
		return resp.OfInt(int64(len(e.text)))
	case offset > 1<<20:
		return notModelled("an offset as large")
	}
	text := []byte(e.text)
	for len(text) < int(offset)+len(cmd[3]) {
		text = append(text, 0)
	}
	copy(text[offset:], cmd[3])
	e.text = string(text)
	r.keys[cmd[1]] = e
	return resp.OfInt(int64(len(text)))
}

// zrank is ZRANK key member.
func (r *run) zrank(cmd resp.Command) resp.Reply {
	if len(cmd) > 3 {
		return notModelled("the options of ZRANK")
	}
	e, found := r.find(cmd[1])
	if found && !e.sorted {
		return wrongType
	}
	if i := slices.IndexFunc(e.members, func(m Member) bool { return m.Name == cmd[2] }); i >= 0 {
		return resp.OfInt(int64(i))
	}
	return replyNil
}

// zrem is ZREM key member [member …]. A set that is empty is gone.
func (r *run) zrem(cmd resp.Command) resp.Reply {
	e, found := r.find(cmd[1])
	switch {
	case found && !e.sorted:
		return wrongType
	case !found:
		return resp.OfInt(0)
	}
	kept := slices.DeleteFunc(slices.Clone(e.members), func(m Member) bool { return slices.Contains(cmd[2:], m.Name) })
	gone := len(e.members) - len(kept)
	if e.members = kept; len(kept) == 0 {
		delete(r.keys, cmd[1])
	} else {
		r.keys[cmd[1]] = e
	}
	return resp.OfInt(int64(gone))
}
