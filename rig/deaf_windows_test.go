package rig

import "testing"

// startDeaf needs a listener with a queue of a chosen length.
func startDeaf(t *testing.T) string {
	t.Helper()
	t.Fatal("the rig's tests need Unix: there are no signals that freeze a server here")
	return ""
}
