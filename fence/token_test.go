package fence_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/fence"
)

func TestParse(t *testing.T) {
	for _, token := range []uint64{1, 33, 1_753_000_000_000_000, fence.MaxToken} {
		if got, err := fence.Parse(fence.Format(token)); got != token || err != nil {
			t.Errorf("Parse(%q) = %d, %v", fence.Format(token), got, err)
		}
	}
	for _, text := range []string{
		"", "0", "007", "-1", "+1", " 1", "1 ", "1\n", "1.0", "1e3", "0x10", "1_000", "33,34", "٣",
		"9007199254740992", "18446744073709551616", strings.Repeat("9", 10_000),
	} {
		got, err := fence.Parse(text)
		if !errors.Is(err, fence.ErrNotToken) || got != 0 {
			t.Errorf("Parse(%.30q) = %d, %v, want ErrNotToken", text, got, err)
		}
		if len(err.Error()) > 200 {
			t.Errorf("Parse repeats all %d bytes of what it was given", len(text))
		}
	}
}
