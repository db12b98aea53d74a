package script

import "github.com/redlock-go/redlock/resp"

// hand is hand.lua, call by call.
func (r *run) hand(keys, args []string) resp.Reply {
	return scripted(func() resp.Reply {
		key, from, to := keys[0], args[0], args[1]
		holder := r.must("GET", key)
		switch {
		case holder.Kind == resp.Nil:
			return resp.OfInt(0)
		case holder.Text == marked(from), holder.Text == marked(to):
			to = marked(to)
		case holder.Text != from && holder.Text != to:
			return holder
		}
		r.must("SET", key, to, "KEEPTTL")
		return resp.OfInt(1)
	})
}
