package fence

import (
	"errors"
	"fmt"
	"strconv"
)

// MaxToken is the highest token. It is the highest whole number that a float64
// holds exactly with all those below it, so that Lua in Redis, JSON in a browser
// and BIGINT in a database all compare tokens without rounding.
const MaxToken uint64 = 1<<53 - 1

// ErrNotToken says that something is not a fencing token: no number, 0, or above
// [MaxToken]. A zero is never admitted, since it is what a variable holds that
// nobody has set.
var ErrNotToken = errors.New("not a fencing token")

// Parse reads a token as it stands in the header Fencing-Token and in the
// environment variable REDLOCK_TOKEN: decimal digits, with no sign, space or
// leading zero. Any other text is an error that wraps [ErrNotToken].
func Parse(s string) (uint64, error) {
	token, err := strconv.ParseUint(s, 10, 64)
	// ParseUint reads "007"; two spellings of a number are one too many.
	if err != nil || valid(token) != nil || s[0] == '0' {
		return 0, fmt.Errorf("fence: %q is %w: it must be a number from 1 to %d", clip(s), ErrNotToken, MaxToken)
	}
	return token, nil
}

// Format writes a token as [Parse] reads it.
func Format(token uint64) string { return strconv.FormatUint(token, 10) }

func valid(token uint64) error {
	if token == 0 || token > MaxToken {
		return fmt.Errorf("fence: %d is %w: it must be a number from 1 to %d", token, ErrNotToken, MaxToken)
	}
	return nil
}

// clip keeps a hostile header out of logs and replies.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
