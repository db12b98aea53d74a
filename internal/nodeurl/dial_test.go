package nodeurl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
)

// answer is a server for one connection: it says what it is told to, whatever
// it is asked.
func answer(t *testing.T, says string) *Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, says)
		_, _ = io.Copy(io.Discard, conn)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	target, err := Parse("redis://app:s3cret@" + l.Addr().String() + "/2")
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestDialLogsIn(t *testing.T) {
	server := redisserver.Start(t, "--user", "app", "on", ">s3cret", "~*", "+@all")
	target, err := Parse("redis://app:s3cret@" + server.Addr() + "/2")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := target.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if target.Epoch() != 1 {
		t.Errorf("the epoch is %d after one connection", target.Epoch())
	}
	if _, err := io.WriteString(conn, "*1\r\n$6\r\nCLIENT\r\n*2\r\n$6\r\nCLIENT\r\n$4\r\nINFO\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for range 2 {
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	info, err := in.ReadString('\n')
	if err != nil || !strings.Contains(info, "user=app") || !strings.Contains(info, "db=2") {
		t.Fatalf("%q %v", info, err)
	}
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ says, want string }{
		"wrong password": {"-WRONGPASS invalid username-password pair or user is disabled.\r\n", "wrong user or password"},
		"loading":        {"+OK\r\n+OK\r\n-LOADING Redis is loading the dataset in memory\r\n", "starting"},
		"no such db":     {"+OK\r\n-ERR DB index is out of range\r\n", "DB index"},
		"web server":     {"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak"},
		"endless":        {"+" + strings.Repeat("x", 2000), "does not speak"},
	} {
		t.Run(name, func(t *testing.T) {
			target := answer(t, c.says)
			conn, err := target.Dial(t.Context())
			if err == nil {
				conn.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v", err)
			}
			if server := script.ServerError(""); strings.HasPrefix(c.says, "-") && !errors.As(err, &server) {
				t.Errorf("%T", err)
			}
		})
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	for name, within := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		},
		"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			target := answer(t, "")
			ctx, cancel := within(t.Context())
			defer cancel()
			begin := time.Now()
			conn, err := target.Dial(ctx)
			if err == nil {
				conn.Close()
				t.Fatal("connected to a silent server")
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestScannerFollowsTheStream(t *testing.T) {
	const stream = "+OK\r\n-ERR no\r\n:12\r\n:-3\r\n$-1\r\n*-1\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n*0\r\n" +
		"*3\r\n:1\r\n*2\r\n$1\r\na\r\n*1\r\n+x\r\n$2\r\nbc\r\n" + "*1\r\n*1\r\n*0\r\n"
	const values = 11
	for piece := 1; piece <= len(stream); piece++ {
		var s scanner
		for at := 0; at < len(stream); at += piece {
			if err := s.feed([]byte(stream[at:min(at+piece, len(stream))]), noLimit); err != nil {
				t.Fatalf("in pieces of %d, at %d: %v", piece, at, err)
			}
		}
		if s.whole != values || len(s.open) != 0 || len(s.line) != 0 {
			t.Fatalf("in pieces of %d: %d values, %v open", piece, s.whole, s.open)
		}
	}
}

func TestGuardRefuses(t *testing.T) {
	const ask = "*1\r\n$4\r\nPING\r\n"
	for name, says := range map[string]string{
		"unasked":         "+PONG\r\n+PONG\r\n",
		"huge string":     "$999999999999999\r\n",
		"negative string": "$-5\r\n",
		"huge array":      "*999999999999999\r\n",
		"negative array":  "*-7\r\n",
		"deep array":      strings.Repeat("*1\r\n", 100),
		"no number":       "$x\r\n",
		"no type":         "HTTP/1.1 200 OK\r\n",
		"no CR":           "+PONG\n",
		"endless line":    "+" + strings.Repeat("x", 100_000),
		"RESP3":           ",1.5\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			conn := watch(near)
			defer conn.Close()
			go func() {
				_, _ = far.Read(make([]byte, 100))
				_, _ = io.WriteString(far, says)
			}()
			if _, err := io.WriteString(conn, ask); err != nil {
				t.Fatal(err)
			}
			var err error
			for err == nil {
				_, err = conn.Read(make([]byte, 4096))
			}
			if !strings.Contains(err.Error(), "does not speak") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestGuardLetsPass(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	conn := watch(near)
	defer conn.Close()
	go func() {
		for range 3 {
			_, _ = far.Read(make([]byte, 100))
			_, _ = io.WriteString(far, "+PONG\r\n")
		}
	}()
	for i := range 3 {
		if _, err := fmt.Fprint(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			t.Fatalf("reply %d: %v", i, err)
		}
	}
}
