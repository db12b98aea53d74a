package goredis_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Nothing may go on when all nodes are closed.
func TestMain(m *testing.M) {
	code := m.Run()
	for deadline := time.Now().Add(10 * time.Second); code == 0; time.Sleep(10 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		_, others, _ := strings.Cut(string(stacks), "\n\n") // the first is this one
		if others == "" {
			break
		}
		if time.Now().After(deadline) {
			fmt.Println("goroutines are left:\n" + others)
			code = 1
		}
	}
	os.Exit(code)
}
