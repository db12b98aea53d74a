//go:build unix

package fence_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/redlock-go/redlock/internal/redisserver"
)

func TestMain(m *testing.M) {
	code := m.Run()
	binary.end()
	os.Exit(code)
}

// binary is the whole run of this test binary as a testing.TB, so that examples,
// which have none, and all tests can share one server of a kind. A server that
// does not start ends the run.
var binary = &run{}

type run struct {
	testing.TB // nil: what is not defined below is not called
	mu         sync.Mutex
	cleanups   []func()
}

func (r *run) Helper() {}

func (r *run) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *run) TempDir() string {
	dir, err := os.MkdirTemp("", "fence")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *run) Errorf(format string, args ...any) {
	r.end()
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func (r *run) Fatalf(format string, args ...any) { r.Errorf(format, args...) }
func (r *run) Fatal(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }

// end cleans up, the last first.
func (r *run) end() {
	r.mu.Lock()
	cleanups := r.cleanups
	r.cleanups = nil
	r.mu.Unlock()
	for _, f := range slices.Backward(cleanups) {
		f()
	}
}

var theRedis = sync.OnceValue(func() *redisserver.Server { return redisserver.Start(binary) })
