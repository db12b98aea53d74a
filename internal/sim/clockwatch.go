package sim

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// sample has the node's clock read now and then.
func (l *lane) sample(now core.Time) {
	if l.sampling || now < l.sampleAt {
		return
	}
	l.sampling = true
	l.sampleAt = now + l.proc.terms.TTL/2
	f := l.ownCall()
	f.sample = true
	f.asked = now
	f.batch = clockBatch
	l.launch(f)
}

var clockBatch = script.Clock()

// sampled takes the reading.
func (l *lane) sampled(f *call, err error) {
	got := l.proc.read()
	l.sampling = false
	l.landed(f, err)
	if err != nil {
		return
	}
	at, ok := script.ReadClock(f.replies[0])
	if !ok {
		return
	}
	if moved, bad := l.watch.Sample(f.asked, got, at); bad && moved.By > 0 {
		l.core.Guard.Forgot(got, moved)
	}
}
