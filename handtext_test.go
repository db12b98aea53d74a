package redlock_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// The text says of the lease what is no secret, fits on a line, and what is not whole is refused
// without being repeated.
func TestHandoffText(t *testing.T) {
	l := open(t, redlocktest.NewNodes(3))
	lease := acquire(t, l, "k")
	text := handOff(t, lease)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) || !strings.HasPrefix(text, "rlh1.") {
		t.Errorf("the text is %q", text)
	}
	got, err := redlock.ReadHandoff(" " + text + "\r\n")
	if want := (redlock.Handed{Key: "redlock:k", Token: lease.Token(), TTL: 10 * time.Second, Nodes: 3}); err != nil || got != want {
		t.Errorf("it says %v, %v: want %v", got, err, want)
	}
	for name, bad := range map[string]string{
		"nothing":         "",
		"another thing":   "hello",
		"a later format":  "rlh2" + text[4:],
		"a part":          text[:len(text)-3],
		"a change":        text[:20] + flip(text[20:21]) + text[21:],
		"two":             text + text,
		"only the format": "rlh1.",
		"very much":       text + strings.Repeat("A", 10_000),
	} {
		if _, err := redlock.ReadHandoff(bad); err == nil || len(bad) > 30 && strings.Contains(err.Error(), bad[6:26]) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := l.Resume(t.Context(), bad); err == nil {
			t.Errorf("%s was resumed", name)
		}
	}
}

func flip(s string) string {
	if s == "A" {
		return "B"
	}
	return "A"
}

func FuzzReadHandoff(f *testing.F) {
	l, err := redlock.New(redlock.Config{Nodes: redlocktest.NewNodes(3).Connect()})
	if err != nil {
		f.Fatal(err)
	}
	lease, err := l.Acquire(f.Context(), "k")
	if err != nil {
		f.Fatal(err)
	}
	text, err := lease.Handoff()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	f.Add(text)
	f.Add("rlh1.AAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := redlock.ReadHandoff(text)
		if err == nil && (h.Key == "" || h.Token == 0 || h.TTL <= 0 || h.Nodes < 1) {
			t.Errorf("%q says %+v", text, h)
		}
	})
}
