package script

import (
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

func (r *run) announce(keys, args []string) resp.Reply {
	key, note := keys[0], keys[1]
	value, token, retention, channel := args[0], args[1], args[2], args[3]
	holder := r.call("GET", key)
	switch {
	case holder.Kind == resp.Error:
		return holder
	case holder.Kind != resp.Text || holder.Text != value && holder.Text != marked(value):
		return resp.OfInt(0)
	}
	text := token + " " + value
	before := r.call("GET", note)
	switch {
	case before.Kind == resp.Error:
		return before
	case before.Kind == resp.Text && before.Text != text && leadingNumber(before.Text) > leadingNumber(token):
		return resp.OfInt(1)
	}
	if done := r.call("SET", note, text, "PX", retention); done.Kind == resp.Error {
		return done
	}
	if before.Kind != resp.Text || before.Text != text {
		r.call("PUBLISH", channel, elected+token)
	}
	return resp.OfInt(1)
}

// leadingNumber is the number that a text begins with, 0 if it begins with none. (It is
// rounded as Lua's are, beyond 2^53.)
func leadingNumber(text string) float64 {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		return 0
	}
	return n
}
