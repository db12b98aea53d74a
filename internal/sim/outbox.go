package sim

import (
	"slices"

	"github.com/redlock-go/redlock/internal/core"
)

// outbox is what a lane has to send: what outbox is in the root package. There what
// is queued goes as one batch; here each request of it is a packet of its own, one
// right behind the other, and is answered by itself. That is more than can happen
// there, and nothing less. A way so long that batches go side by side is a world in
// which nothing queues.
type outbox struct {
	waiting []*call
	busy    int       // groups under way
	began   core.Time // when the last of them left
}

// group is what was sent together.
type group struct{ left int }

// post queues a request that was launched, and sends what is queued if nothing is
// under way, or has been for too long.
func (l *lane) post(f *call) {
	f.queued = true
	l.out.waiting = append(l.out.waiting, f)
	if !l.proc.w.s.Queued || l.out.busy == 0 || f.SentAt()-l.out.began >= l.core.Timeout() {
		l.work()
	}
}

// work sends what is queued.
func (l *lane) work() {
	if len(l.out.waiting) == 0 {
		return
	}
	list := l.out.waiting
	l.out.waiting = nil
	g := &group{left: len(list)}
	l.out.busy++
	l.out.began = l.proc.read()
	for _, f := range list {
		f.queued, f.group = false, g
		l.start(f)
	}
}

// leave takes note that one of a group has been answered, or has failed. After the
// last of them the next group is sent.
func (l *lane) leave(g *group) {
	if g == nil {
		return
	}
	if g.left--; g.left == 0 {
		l.out.busy--
		l.work()
	}
}

// drop takes out one that will not be sent.
func (l *lane) drop(f *call) {
	f.queued = false
	l.out.waiting = slices.DeleteFunc(l.out.waiting, func(o *call) bool { return o == f })
}
