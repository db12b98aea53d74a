package adaptertest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package, for its TestMain, and returns the exit status.
// That is not 0 if a goroutine is left afterwards: nothing may go on when all nodes
// are closed.
func Main(m *testing.M) (status int) {
	status = m.Run()
	for deadline := time.Now().Add(patience); status == 0; time.Sleep(10 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		_, others, _ := strings.Cut(string(stacks), "\n\n") // the first is this one
		if others == "" {
			break
		}
		if time.Now().After(deadline) {
			fmt.Println("goroutines are left:\n" + others)
			status = 1
		}
	}
	return status
}
