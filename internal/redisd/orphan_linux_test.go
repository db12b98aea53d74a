package redisd

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain is the parent of TestServerDiesWithItsParent when it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv("REDISD_TEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	s, err := Start()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Addr(), s.Dir())
	select {}
}

// TestServerDiesWithItsParent kills a process that has started a server in the
// one way that leaves it no time to clean up.
func TestServerDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "REDISD_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	ok(t, err)
	ok(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	ok(t, parent.Process.Kill())
	_ = parent.Wait() // killed, as asked
	addr, dir, found := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || !found {
		t.Fatalf("the parent said %q, %v", line, err)
	}
	t.Cleanup(func() { ok(t, os.RemoveAll(dir)) })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server outlived its parent")
		}
	}
}
