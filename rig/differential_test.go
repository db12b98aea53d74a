package rig

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// TestDifferential runs random operations on a real server and on the node's
// model, and wants every reply and the whole state, expiry included, to be the
// same. On a difference it prints a shortest sequence that shows it, and the
// seed: REDLOCK_SEED=… repeats the run.
func TestDifferential(t *testing.T) {
	seed := rand.Uint64()
	if s := os.Getenv("REDLOCK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		ok(t, err)
	}
	t.Logf("REDLOCK_SEED=%d", seed)
	d := newDifferential(t, (*script.Model).ExecTicking)
	for i := range uint64(60) {
		ops := generate(rand.New(rand.NewPCG(seed, i)), 40, i%2 == 1) //nolint:gosec // a test
		if difference := d.run(ops); difference != "" {
			ops, difference = d.shrink(ops, difference)
			t.Fatalf("REDLOCK_SEED=%d, sequence %d: the model is not the server:\n%s%s", seed, i, listing(ops), difference)
		}
	}
}

// TestDifferentialCatches shows that a model that is wrong is caught, in a few
// operations.
func TestDifferentialCatches(t *testing.T) {
	type exec = func(*script.Model, func() int64, resp.Command) resp.Reply
	right := (*script.Model).ExecTicking
	without := func(name, option string) exec {
		return func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			if strings.EqualFold(cmd[0], name) {
				cmd = slices.DeleteFunc(slices.Clone(cmd), func(arg string) bool { return strings.EqualFold(arg, option) })
			}
			return right(m, clock, cmd)
		}
	}
	later := func(by int64, names ...string) exec {
		return func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			if slices.Contains(names, cmd[0]) {
				return right(m, func() int64 { return clock() + by }, cmd)
			}
			return right(m, clock, cmd)
		}
	}
	for name, wrong := range map[string]exec{
		"SET without regard to NX": without("SET", "NX"),
		"SET that forgets to expire": func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			if at := slices.Index(cmd, "PX"); cmd[0] == "SET" && at == len(cmd)-2 {
				cmd = cmd[:at]
			}
			return right(m, clock, cmd)
		},
		"ZADD that lowers":            without("ZADD", "GT"),
		"ZADD that counts additions":  without("ZADD", "CH"),
		"expiry a millisecond later":  later(1, "PEXPIRE"),
		"a key lives a moment longer": later(-1, "GET", "EXISTS", "PTTL", "PEXPIRETIME", "TYPE", "ZSCORE", "ZMSCORE", "EVALSHA", "EVAL"),
		"DEL that tells nothing": func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			reply := right(m, clock, cmd)
			if cmd[0] == "DEL" {
				return resp.OfInt(1)
			}
			return reply
		},
		"release of any value": func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			if len(cmd) == 10 && cmd[1] == script.ReleaseScript.SHA {
				if value, ok := m.Get(clock(), cmd[3]); ok {
					cmd = slices.Clone(cmd)
					cmd[5] = value
				}
			}
			return right(m, clock, cmd)
		},
		"a reader that looks at nobody who waits": func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			if len(cmd) == 14 && cmd[1] == script.ReadTakeScript.SHA && cmd[11] == "" {
				if _, ok := m.Get(clock(), cmd[3]); ok {
					cmd = slices.Clone(cmd)
					cmd[5] = "nobody"
				}
			}
			return right(m, clock, cmd)
		},
		"a reader's time that another's release ends": func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			reply := right(m, clock, cmd)
			if len(cmd) == 12 && cmd[1] == script.ReadReleaseScript.SHA && reply.Int == 1 {
				right(m, clock, resp.Command{"DEL", cmd[3]})
			}
			return reply
		},
		"scripts that stay when flushed": func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
			if cmd[0] == "SCRIPT" && len(cmd) > 1 && cmd[1] == "FLUSH" {
				return resp.OfText("OK")
			}
			return right(m, clock, cmd)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDifferential(t, wrong)
			long := 0 // sequences that stayed so: on a slow machine what hangs on the course of time is hard to see again
			for i := range uint64(100) {
				ops := generate(rand.New(rand.NewPCG(1, i)), 40, false) //nolint:gosec // a test
				difference := d.run(ops)
				if difference == "" {
					continue
				}
				short, difference := d.shrink(ops, difference)
				t.Logf("after %d sequences:\n%s%s", i+1, listing(short), difference)
				if len(short) <= 10 {
					return
				}
				if long++; long == 4 {
					break
				}
			}
			if long == 0 {
				t.Fatal("not caught")
			}
			t.Errorf("the sequences that show it cannot be made short, %d times", long)
		})
	}
}

// differential is a server and a specification of it.
type differential struct {
	t     *testing.T
	node  redlock.Node
	exec  func(*script.Model, func() int64, resp.Command) resp.Reply
	texts bool // the server is of the version whose error texts the model has
}

func newDifferential(t *testing.T, exec func(*script.Model, func() int64, resp.Command) resp.Reply) *differential {
	t.Helper()
	server := redisserver.Start(t)
	node, err := goredis.Open("redis://" + server.Addr())
	ok(t, err)
	t.Cleanup(func() { ok(t, node.Close()) })
	d := &differential{t: t, node: node, exec: func(m *script.Model, clock func() int64, cmd resp.Command) resp.Reply {
		m.Publish, m.Channels = listening, func() []string { return []string{diffListening.Channel()} }
		return exec(m, clock, cmd)
	}}
	ready := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	var listener sync.WaitGroup
	listener.Go(func() {
		_ = node.Subscribe(ctx, diffListening.Channel(), func() { close(ready) }, func(string) {})
	})
	t.Cleanup(func() { cancel(); listener.Wait() })
	<-ready
	d.texts = strings.Contains(server.Do("INFO", "server").Text, "redis_version:7.0.")
	return d
}

// listening are the receivers that the server has.
func listening(channel, _ string) int {
	if channel == diffListening.Channel() {
		return 1
	}
	return 0
}

func (d *differential) do(batch ...resp.Command) []resp.Reply {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	replies, err := d.node.Do(ctx, batch)
	ok(d.t, err)
	return replies
}

// world is what the server may be like: a state of the model, and the earliest
// time at which it can be that.
type world struct {
	model *script.Model
	since int64
}

// run executes the operations on an empty server, and on the model. The server's
// clock is known before and after each command only, so that the model is run
// with every course of time that fits in between: all of them are followed until
// a reply tells them apart. There is a difference, which is returned, when none
// is left. Mostly both readings are of the same millisecond, and there is one. Where
// the server stood still for long there would be very many: then it is run again.
func (d *differential) run(ops []op) (difference string) {
	for range 100 {
		if difference, stood := d.once(ops); !stood {
			return difference
		}
	}
	d.t.Fatal("the server, or its machine, stands still again and again")
	return ""
}

// longest is for how many ms the clock may go on within a command.
const longest = 3

func (d *differential) once(ops []op) (difference string, stood bool) {
	now := clockOf(d.do(resp.Command{"FLUSHALL"}, resp.Command{"SCRIPT", "FLUSH"}, resp.Command{"TIME"})[2])
	worlds := []world{{script.NewModel(), now}}
	for _, o := range ops {
		if o.wait {
			o.sleep(worlds[0].model, now)
			continue
		}
		batch := o.batch(now)
		// The clock is read on both sides of each command, so that the courses of time
		// are few, although a script reads it many times.
		commands := []resp.Command{{"TIME"}}
		for _, cmd := range batch {
			commands = append(append(commands, cmd, resp.Command{"TIME"}), look...)
			commands = append(commands, resp.Command{"TIME"})
		}
		replies := d.do(commands...)
		for i, cmd := range commands {
			if isClock(cmd) {
				now = clockOf(replies[i])
				for j := range worlds {
					worlds[j].since = max(worlds[j].since, now)
				}
				continue
			}
			until := i + slices.IndexFunc(commands[i:], isClock)
			if clockOf(replies[until])-now > longest {
				return "", true
			}
			next, told := d.follow(worlds, cmd, replies[i], clockOf(replies[until]))
			if len(next) == 0 {
				return fmt.Sprintf("in %v\n  %q\n  server %v\n  model  %s\n", o, []string(cmd), replies[i], told), false
			}
			worlds = next
		}
	}
	return "", false
}

// isClock tells the readings of the clock from what is tested.
func isClock(cmd resp.Command) bool { return len(cmd) == 1 && cmd[0] == "TIME" }

// follow returns the worlds in which the command gets this reply, no later than
// until, and what the model said in the others.
func (d *differential) follow(worlds []world, cmd resp.Command, reply resp.Reply, until int64) (next []world, told string) {
	for _, w := range worlds {
		for _, o := range d.outcomes(w, cmd, until) {
			if !d.same(cmd, reply, o.reply) {
				told = o.reply.String()
				continue
			}
			next = append(next, o.world)
		}
	}
	// Of two worlds with one state, what can follow from the later one can follow
	// from the earlier one.
	slices.SortFunc(next, func(a, b world) int {
		return cmp.Or(strings.Compare(state(a.model), state(b.model)), cmp.Compare(a.since, b.since))
	})
	return slices.CompactFunc(next, func(a, b world) bool { return state(a.model) == state(b.model) }), told
}

// state lists everything, expired or not.
func state(m *script.Model) string { return fmt.Sprint(m.Entries(0)) }

type outcome struct {
	world
	reply resp.Reply
}

// outcomes executes a command with every course that the clock can take, from
// the world's time until the other.
func (d *differential) outcomes(w world, cmd resp.Command, until int64) []outcome {
	var all []outcome
	courses := [][]int64{nil} // what the clock says, as far as it is chosen; then it stands
	for len(courses) > 0 {
		chosen := courses[0]
		courses = courses[1:]
		said := []int64{}
		o := outcome{world: world{w.model.Clone(), w.since}}
		o.reply = d.exec(o.model, func() int64 {
			if n := len(said); n < len(chosen) {
				o.since = chosen[n]
			}
			said = append(said, o.since)
			return o.since
		}, cmd)
		all = append(all, o)
		for i := len(chosen); i < len(said); i++ {
			for at := said[i] + 1; at <= until; at++ {
				courses = append(courses, append(slices.Clone(said[:i]), at))
			}
		}
	}
	return all
}

// same compares replies. When a script fails, Redis says behind the error where;
// and other versions of Redis use other words, but the same codes.
func (d *differential) same(cmd resp.Command, server, model resp.Reply) bool {
	if server.Kind != resp.Error || model.Kind != resp.Error {
		return server.Equal(model)
	}
	if !d.texts {
		return server.Code() == model.Code()
	}
	return server.Equal(model) || strings.HasPrefix(cmd[0], "EVAL") && strings.HasPrefix(server.Text, model.Text+" script: ")
}

// shrink takes operations away as long as there is a difference. What hangs on
// the course of time shows it in one of a few runs.
func (d *differential) shrink(ops []op, difference string) ([]op, string) {
	for size := len(ops) / 2; size > 0; {
		shorter := false
		for at := 0; at+size <= len(ops); {
			without := slices.Concat(ops[:at], ops[at+size:])
			found := ""
			for try := 0; try < 5 && found == ""; try++ {
				found = d.run(without)
			}
			if found == "" {
				at += size
				continue
			}
			ops, difference, shorter = without, found, true
		}
		if !shorter || size > len(ops) {
			size /= 2
		}
	}
	return ops, difference
}

func listing(ops []op) string {
	var b strings.Builder
	for i, o := range ops {
		fmt.Fprintf(&b, "%3d. %v\n", i+1, o)
	}
	return b.String()
}

// clockOf reads a reply to TIME, in ms.
func clockOf(r resp.Reply) int64 {
	at, _ := script.ReadClock(r)
	return at.Milliseconds()
}
