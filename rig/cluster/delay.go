package cluster

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

const delayType = "redlock_delay"

func init() { toxics.Register(delayType, new(delay)) }

// delay is a toxic that holds back the packets that contain a text. A client
// writes a batch in one packet, and on the loopback a packet arrives whole.
type delay struct {
	Text  string `json:"text"`
	Delay int64  `json:"delay"` // ms
	Times int64  `json:"times"` // at most

	held atomic.Int64 // packets that were held back, or would have been
	gone atomic.Int64 // packets that have gone on
}

// Pipe runs for each connection, all with the same delay.
func (d *delay) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			held, interrupted := false, false
			if bytes.Contains(c.Data, []byte(d.Text)) && d.held.Add(1) <= d.Times {
				held = true
				timer := time.NewTimer(time.Duration(d.Delay) * time.Millisecond)
				select {
				case <-timer.C:
				case <-stub.Interrupt:
					interrupted = true
					timer.Stop()
				}
			}
			stub.Output <- c
			if held {
				d.gone.Add(1)
			}
			if interrupted {
				return
			}
		}
	}
}

// GetBufferSize leaves room for what comes while one packet is held.
func (d *delay) GetBufferSize() int { return 1024 }
