package redlocktest_test

import (
	"testing"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func TestNodeConforms(t *testing.T) {
	server := redlocktest.NewNode("n1")
	redlocktest.Conformance(t, func(*testing.T) redlock.Node { return server.Connect() })
}
