package script

import (
	"testing"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// What the plain lock says and hears is on the hot path: Params stay off the heap, which a pointer
// to them that is given to a Kind would put them on.
func TestPlainLockAllocatesLittle(t *testing.T) {
	p := Params{Key: "k", TTL: 10_000, Retention: 1000}
	granted := []resp.Reply{{}, resp.OfInt(1), resp.OfInt(1)}
	if n := testing.AllocsPerRun(100, func() { _ = p.Read(core.Ask, "v", granted) }); n > 0 {
		t.Errorf("reading replies allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = p.Batch(core.Effect{Op: core.Ask, Token: 7}, "v", false) }); n > 2 {
		t.Errorf("asking allocates %v times", n)
	}
}
