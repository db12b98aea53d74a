package cluster

import (
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

const dripType = "redlock_drip"

func init() { toxics.Register(dripType, new(drip)) }

// drip is a toxic that lets one byte through at a time. Toxiproxy's own slicer, when it is
// removed while the connection's other side is gone, waits for ever for somebody to take
// its next slice, and the proxy with it, and whoever wanted it removed.
type drip struct {
	Each int64 `json:"each"` // µs between two bytes
}

// Pipe runs for each connection.
func (d *drip) Pipe(stub *toxics.ToxicStub) {
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		var c *stream.StreamChunk
		select {
		case <-stub.Interrupt:
			return
		case c = <-stub.Input:
		}
		if c == nil {
			stub.Close()
			return
		}
		for i := range c.Data {
			rest := []kept{{chunk: &stream.StreamChunk{Data: c.Data[i:], Timestamp: c.Timestamp}}}
			select {
			case <-stub.Interrupt:
				flush(stub, rest)
				return
			case stub.Output <- &stream.StreamChunk{Data: c.Data[i : i+1], Timestamp: c.Timestamp}:
			}
			pause.Reset(time.Duration(d.Each) * time.Microsecond)
			select {
			case <-stub.Interrupt:
				if rest[0].chunk.Data = c.Data[i+1:]; len(rest[0].chunk.Data) > 0 {
					flush(stub, rest)
				}
				return
			case <-pause.C:
			}
		}
	}
}

// Cleanup is called when the toxic has been removed; that there is one has
// toxiproxy look whether the connection was closed meanwhile.
func (d *drip) Cleanup(*toxics.ToxicStub) {}
