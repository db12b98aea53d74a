package redlock

import (
	"testing"
	"unsafe"
)

// There are very many claims, one for each lease: one more than a kilobyte would take 128 bytes
// more, as memory is given out.
func TestClaimSize(t *testing.T) {
	if n := unsafe.Sizeof(claim{}); unsafe.Sizeof(uintptr(0)) == 8 && n > 1024 {
		t.Errorf("a claim takes %d bytes, more than a kilobyte: can what was added stand with what is small?", n)
	}
}
