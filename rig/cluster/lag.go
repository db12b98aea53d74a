package cluster

import (
	"math/rand/v2"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

const lagType = "redlock_lag"

func init() { toxics.Register(lagType, new(lag)) }

// lag is a toxic that lets everything through later, the end of the connection as
// well. Toxiproxy's own latency lets an end overtake nothing either, but when it
// is removed while the connection's other side is gone, it waits for 5 s for each
// packet that it has kept, and the proxy with it.
type lag struct {
	Delay  int64 `json:"delay"`  // ms; negative: until it is removed
	Jitter int64 `json:"jitter"` // ms
}

// kept is a packet that waits; a nil chunk is the end of the connection.
type kept struct {
	chunk *stream.StreamChunk
	due   time.Time
}

// flushWithin is how long a connection has to take what was kept from it.
const flushWithin = 100 * time.Millisecond

// Pipe runs for each connection.
func (l *lag) Pipe(stub *toxics.ToxicStub) {
	var queue []kept
	input := stub.Input
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var output chan<- *stream.StreamChunk
		var next *stream.StreamChunk
		if len(queue) > 0 && l.Delay >= 0 {
			wait := time.Until(queue[0].due)
			if wait <= 0 {
				if next = queue[0].chunk; next == nil {
					stub.Close()
					return
				}
				output = stub.Output
			} else {
				timer.Reset(wait)
			}
		}
		select {
		case <-stub.Interrupt:
			flush(stub, queue)
			return
		case c := <-input:
			if c == nil {
				input = nil // closed: there is nothing more to come
			}
			queue = append(queue, kept{c, time.Now().Add(l.delay())})
		case output <- next:
			queue = queue[1:]
		case <-timer.C:
		}
	}
}

func (l *lag) delay() time.Duration {
	d := time.Duration(l.Delay) * time.Millisecond
	if l.Jitter > 0 {
		d += rand.N(2*time.Duration(l.Jitter)*time.Millisecond) - time.Duration(l.Jitter)*time.Millisecond
	}
	return d
}

// flush lets go what was kept. A connection that does not take it in time is gone,
// and is closed.
func flush(stub *toxics.ToxicStub, queue []kept) {
	enough := time.NewTimer(flushWithin)
	defer enough.Stop()
	for _, k := range queue {
		if k.chunk == nil {
			stub.Close()
			return
		}
		select {
		case stub.Output <- k.chunk:
		case <-enough.C:
			stub.Close()
			return
		}
	}
}

// Cleanup is called when the toxic has been removed; that there is one has
// toxiproxy look whether the connection was closed meanwhile.
func (l *lag) Cleanup(*toxics.ToxicStub) {}

// GetBufferSize is that of toxiproxy's latency.
func (l *lag) GetBufferSize() int { return 1024 }
