package redlock

import (
	"context"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Requests to a node are queued, and sent by workers: one that lasts as long as
// the lane, and takes all that is in the queue as one batch, one write. So there is
// no goroutine for each request, and while a crowd of claims talks to a node, what
// comes during one round trip shares the next.
//
// One batch at a time would be bad in two cases. If the way to the node is long,
// what waits for the batch before it to return loses time that nobody works in: then
// more workers have batches under way side by side. And if a batch hangs, nothing
// must hang behind it: what is not sent by its deadline is taken out of the queue.

const (
	// mostTogether is how many requests go in one batch.
	mostTogether = 1024
	// fewAnswers is how many answers are delivered before anybody else is called to
	// send what comes meanwhile.
	fewAnswers = 8
	// mostAbreast is how many batches are under way at once on a long way: one
	// whose shortest round trip, of the last few hundred, takes longWay or more.
	// (The shortest, because on a busy machine all the others are long too.)
	mostAbreast = 16
	longWay     = core.Time(2e6)
	fewHundred  = 512
)

// outbox is what a lane has to send, and who sends it. It is guarded by the
// lane's mutex.
type outbox struct {
	first, last *flight
	idle        int       // workers that wait for something to send
	busy        int       // batches under way
	began       core.Time // when the last of them left

	// The shortest round trips, of the batches counted, and of those before. There
	// are none before the first few hundred, which may have had to connect.
	shortest, before core.Time
	counted          int

	// limit bounds a batch for the client library: see lane.patience.
	limit      context.Context
	limitUntil core.Time // to be replaced then
}

func (o *outbox) push(f *flight) {
	f.queued, f.next = true, nil
	if o.last == nil {
		o.first = f
	} else {
		o.last.next = f
	}
	o.last = f
}

// take takes out what goes in one batch, and appends it to out.
func (o *outbox) take(out []*flight) []*flight {
	for o.first != nil && len(out) < mostTogether {
		f := o.first
		o.first, f.next, f.queued = f.next, nil, false
		out = append(out, f)
	}
	if o.first == nil {
		o.last = nil
	}
	return out
}

// drop takes out one that will not be sent.
func (o *outbox) drop(f *flight) {
	var before *flight
	for at := o.first; at != f; at = at.next {
		before = at
	}
	if before == nil {
		o.first = f.next
	} else {
		before.next = f.next
	}
	if o.last == f {
		o.last = before
	}
	f.queued, f.next = false, nil
}

// hurry sees to it that somebody sends what is queued. It is called with the mutex
// held, and says whether a worker is to be woken after that.
func (ln *lane) hurry(now core.Time) (wake bool) {
	switch {
	case !ln.mayGo(now):
	case ln.out.idle > 0:
		return true
	default:
		ln.hire()
	}
	return false
}

// mayGo reports whether one more batch may be under way: always if all those that
// are have taken so long that they hang.
func (ln *lane) mayGo(now core.Time) bool {
	return ln.out.busy < ln.abreast() || now-ln.out.began >= ln.core.Timeout()
}

// abreast is how many batches may be under way at once.
func (ln *lane) abreast() int {
	if min(ln.out.shortest, ln.out.before) < longWay {
		return 1
	}
	return mostAbreast
}

// took takes note of a round trip.
func (o *outbox) took(d core.Time) {
	if o.counted%fewHundred == 0 {
		o.shortest, o.before = d, o.shortest
	}
	o.shortest = min(o.shortest, d)
	o.counted++
}

// hire starts a worker. It is called with the mutex held.
func (ln *lane) hire() {
	ln.locker.flying.Add(1)
	ln.out.busy++ // until it is at work
	go ln.work()
}

// work sends what is queued, until there is nothing to do and another worker who
// waits for more, or the lane is closed.
func (ln *lane) work() {
	defer ln.locker.flying.Done()
	var flights []*flight
	var landed []landed
	var batch []resp.Command
	var room []resp.Reply
	ln.mu.Lock()
	ln.out.busy--
	for {
		for ln.out.first == nil || !ln.closed && !ln.mayGo(ln.locker.clock.now()) {
			if ln.out.idle > 0 || ln.closed && ln.out.first == nil {
				ln.mu.Unlock()
				return
			}
			ln.out.idle++
			ln.wake.Wait()
			ln.out.idle--
		}
		flights = ln.out.take(flights[:0])
		began := ln.locker.clock.now()
		ln.out.busy++
		ln.out.began = began
		limit := ln.limit(began)
		ln.mu.Unlock()

		send := flights[0].batch
		if len(flights) > 1 {
			batch = batch[:0]
			for _, f := range flights {
				batch = append(batch, f.batch...)
			}
			send = batch
		}
		replies, err := ln.sendFolded(limit, send, room)

		now := ln.locker.clock.now()
		ln.mu.Lock()
		if err == nil {
			ln.out.took(now - began)
		}
		landed = ln.land(now, flights, replies, err, landed[:0])
		handy := len(landed) <= fewAnswers
		if !handy {
			ln.out.busy--
		}
		ln.mu.Unlock()
		for i := range landed {
			ln.deliver(&landed[i])
		}
		room = replies
		clear(room)
		if err != nil {
			batch = nil // the client library may not be done with it
		}
		clear(flights)
		clear(landed)
		clear(batch)
		ln.mu.Lock()
		if handy {
			ln.out.busy--
		}
	}
}

// limit is the context of a batch that is sent now. It ends after the locker's
// patience, or a little later, as batches share it. It is called with the mutex
// held.
func (ln *lane) limit(now core.Time) context.Context {
	if now >= ln.out.limitUntil {
		patience := ln.locker.patience()
		ln.out.limitUntil = now + patience/4
		// It ends by itself: batches that are under way have it for as long.
		limit, cancel := context.WithTimeout(ln.ctx, patience+patience/4)
		context.AfterFunc(limit, cancel)
		ln.out.limit = limit
	}
	return ln.out.limit
}
