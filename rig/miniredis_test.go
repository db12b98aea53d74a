package rig

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// TestConformsOnMiniredis is here and not with the adapters, so that the modules
// of the adapters need nothing that only tests need.
func TestConformsOnMiniredis(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		server := miniredis.RunT(t)
		redlocktest.Conformance(t, func(t *testing.T) redlock.Node {
			nodes, err := open("redis://" + server.Addr())
			ok(t, err)
			return nodes[0]
		})
	})
}
