package cluster

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestHealAfterTheClientHasGone: faults can be removed although the connections that they
// were made for have lost their clients in the middle of a reply.
func TestHealAfterTheClientHasGone(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for text := make([]byte, 16<<10); ; {
					if _, err := conn.Write(text); err != nil {
						return
					}
				}
			}()
		}
	}()
	for name, set := range map[string]func(p *Proxy) error{
		"byte by byte": func(p *Proxy) error { return p.SlowBytes(Replies, 100*time.Microsecond) },
		"latency":      func(p *Proxy) error { return p.Latency(Replies, 5*time.Millisecond, 0) },
		"held back":    func(p *Proxy) error { return p.Hold(Replies) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := StartProxy("p", server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if err := set(p); err != nil {
				t.Fatal(err)
			}
			var conns []*net.TCPConn
			for range 20 {
				conn, err := net.Dial("tcp", p.Addr())
				if err != nil {
					t.Fatal(err)
				}
				conns = append(conns, conn.(*net.TCPConn))
				if name != "held back" {
					if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, conn := range conns {
				_ = conn.SetLinger(0) // a reset, as of a process that was killed
				_ = conn.Close()
			}
			healed := make(chan error, 1)
			go func() { healed <- p.Heal() }()
			select {
			case err := <-healed:
				if err != nil {
					t.Error(err)
				}
				p.Close()
			case <-time.After(20 * time.Second):
				t.Fatal("Heal does not return")
			}
		})
	}
}
