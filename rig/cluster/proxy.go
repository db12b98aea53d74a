package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Direction is a way through a proxy.
type Direction string

// The directions, as toxiproxy names them.
const (
	Requests Direction = "upstream"   // from the client to the server
	Replies  Direction = "downstream" // from the server to the client
)

// Proxy is a toxiproxy in this process, in front of one server. Faults that
// were set stay until Heal; those of one kind and direction replace each other.
// Its methods may be called from any goroutine.
type Proxy struct {
	proxy *toxiproxy.Proxy

	mu sync.Mutex
}

// nobody is toxiproxy's server, without its HTTP interface, metrics and log.
var nobody = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())

// StartProxy starts a proxy to the address, on a free port of 127.0.0.1. The
// port lies below those that systems give to outgoing connections, so that
// nobody takes it while the proxy refuses connections.
func StartProxy(name, upstream string) (*Proxy, error) {
	var err error
	for range 100 {
		listen := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000))
		p := toxiproxy.NewProxy(nobody, name, listen, upstream)
		if err = p.Start(); err == nil {
			return &Proxy{proxy: p}, nil
		}
	}
	return nil, fmt.Errorf("cluster: no free port for a proxy: %w", err)
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.proxy.Listen }

// Latency delays everything in that direction, on every connection, by d.
func (p *Proxy) Latency(way Direction, d, jitter time.Duration) error {
	return p.set(lagType, way, map[string]any{"delay": d.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// Hold keeps back everything in that direction until Heal, which lets it go on:
// a partition as TCP sees one that ends in time. Connections are accepted.
func (p *Proxy) Hold(way Direction) error {
	return p.set(lagType, way, map[string]any{"delay": -1, "jitter": 0})
}

// Silence is Hold in both directions.
func (p *Proxy) Silence() error {
	return errors.Join(p.Hold(Requests), p.Hold(Replies))
}

// Drop throws away everything in that direction: a partition that outlasts the
// connections. Heal closes those that lost something.
func (p *Proxy) Drop(way Direction) error {
	return p.set("timeout", way, map[string]any{"timeout": 0})
}

// Reset breaks connections: those that exist are closed, and every new one is
// reset (RST) when the client has sent something.
func (p *Proxy) Reset() error {
	if err := p.set("reset_peer", Requests, map[string]any{"timeout": 0}); err != nil {
		return err
	}
	return p.Bounce()
}

// SlowBytes lets through one byte at a time, each after the delay.
func (p *Proxy) SlowBytes(way Direction, each time.Duration) error {
	return p.set(dripType, way, map[string]any{"each": each.Microseconds()})
}

// Delay holds back for d, in that direction, each packet that contains the
// text, and on its connection what comes after it; at most times packets in
// all. Other connections are not held up.
func (p *Proxy) Delay(way Direction, text string, d time.Duration, times int) error {
	return p.set(delayType, way, map[string]any{"text": text, "delay": d.Milliseconds(), "times": times})
}

// Delayed is how many packets Delay has held back in that direction and let go
// on since it was set.
func (p *Proxy) Delayed(way Direction) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.proxy.Toxics.GetToxic(delayType + "_" + string(way)); w != nil {
		return int(w.Toxic.(*delay).gone.Load())
	}
	return 0
}

// Refuse closes all connections, and has new ones refused until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proxy.Stop()
}

// Accept ends Refuse.
func (p *Proxy) Accept() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Meanwhile the port may have gone to somebody's outgoing connection, which
	// gives it back soon.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := p.proxy.Start()
		if err == nil || errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// Bounce closes all connections; new ones are accepted at once.
func (p *Proxy) Bounce() error {
	p.Refuse()
	return p.Accept()
}

// Heal removes all faults. What Hold and Delay kept back goes on its way.
func (p *Proxy) Heal() error {
	p.mu.Lock()
	p.proxy.Toxics.ResetToxics(context.Background())
	p.mu.Unlock()
	return p.Accept()
}

// Faulty reports whether a fault is set, or connections are refused.
func (p *Proxy) Faulty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.proxy.Enabled || len(p.proxy.Toxics.GetToxicArray()) > 0
}

// Close stops the proxy and closes its connections.
func (p *Proxy) Close() { p.Refuse() }

// set makes the fault of that kind and direction the given one.
func (p *Proxy) set(kind string, way Direction, attributes map[string]any) error {
	name := kind + "_" + string(way)
	spec, err := json.Marshal(map[string]any{
		"name": name, "type": kind, "stream": string(way), "toxicity": 1, "attributes": attributes,
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Toxiproxy can change one in place, and does so under the hands of the
	// connections that read it.
	if p.proxy.Toxics.GetToxic(name) != nil {
		err = p.proxy.Toxics.RemoveToxic(context.Background(), name)
	}
	if err == nil {
		_, err = p.proxy.Toxics.AddToxicJson(bytes.NewReader(spec))
	}
	if err != nil {
		return fmt.Errorf("cluster: %s: %w", name, err)
	}
	return nil
}
