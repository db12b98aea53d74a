package script

import (
	"testing"

	"github.com/redlock-go/redlock/resp"
)

func TestReadVerifyOfAServerThatHasNoInfo(t *testing.T) {
	for text, mute := range map[string]bool{
		"ERR unknown command 'INFO'":          true,
		"section (server) is not supported":   true, // miniredis
		"NOPERM this user has no permissions": false,
		"LOADING Redis is loading":            false,
		"NOAUTH Authentication required.":     false,
	} {
		facts, _, err := ReadVerify([]resp.Reply{resp.OfError(text), resp.OfError(text), {}, resp.OfError(text), resp.OfError(text)})
		if facts.Mute != mute || (err == nil) != mute {
			t.Errorf("%s: %+v, %v", text, facts, err)
		}
	}
}
