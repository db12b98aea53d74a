package redlock

import (
	"testing"
	"unsafe"
)

// There are very many claims, one for each lease: one of more than a kilobyte, with the 8 bytes that
// the runtime adds, would take 128 bytes more, as memory is given out.
func TestClaimSize(t *testing.T) {
	if n := unsafe.Sizeof(claim{}); unsafe.Sizeof(uintptr(0)) == 8 && n > 1016 {
		t.Errorf("a claim takes %d bytes, and 1016 are within a kilobyte: can what was added stand with what is small?", n)
	}
}
