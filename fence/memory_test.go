package fence_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
)

func TestMemory(t *testing.T) { fencetest.Conformance(t, &fence.Memory{}) }

func TestMemoryWithRetention(t *testing.T) {
	fencetest.Conformance(t, &fence.Memory{Retention: time.Hour})
}

func TestMemoryForgetsAfterTheRetentionAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &fence.Memory{Retention: time.Hour}
		admit := func(resource string, token uint64) error { return m.Admit(t.Context(), resource, token) }
		if err := admit("kept", 34); err != nil {
			t.Fatal(err)
		}
		if err := admit("left", 34); err != nil {
			t.Fatal(err)
		}
		// Each refusal is a sign that stale holders are about, and keeps the register.
		for range 10 {
			time.Sleep(time.Hour - time.Nanosecond)
			if err := admit("kept", 33); !errors.Is(err, fence.ErrStale) {
				t.Fatalf("Admit(33) = %v within the retention", err)
			}
		}
		if err := admit("left", 33); err != nil {
			t.Errorf("a register that nobody has used for ten times the retention is still kept: %v", err)
		}
		time.Sleep(2 * time.Hour)
		if err := admit("kept", 1); err != nil {
			t.Errorf("a register is kept for longer than twice the retention: %v", err)
		}
	})
}

func TestMemoryWithoutRetentionNeverForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &fence.Memory{}
		if err := m.Admit(t.Context(), "r", 34); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10_000 * time.Hour)
		if err := m.Admit(t.Context(), "r", 33); !errors.Is(err, fence.ErrStale) {
			t.Errorf("Admit(33) = %v", err)
		}
	})
}
