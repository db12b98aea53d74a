// Package resp holds the two types that cross the seam between the lock and a
// Redis client library: a command, and what a node replied to it.
//
// It is a leaf: it imports nothing of this module, so that an adapter, the
// scripts and the node's model in Go can all speak of the same thing.
package resp

import (
	"fmt"
	"strconv"
	"strings"
)

// Command is one command as it goes over the wire: its name, then its
// arguments. A Command is constant once built: whoever receives one may keep
// it, and nobody may write to it.
type Command []string

// Kind says which of the other fields of a [Reply] has a meaning.
type Kind uint8

// The kinds of reply. A simple string and a bulk string are both a Text.
const (
	Nil   Kind = iota // no such key, or a condition that did not hold
	Int               // Reply.Int
	Text              // Reply.Text
	Array             // Reply.Items
	Error             // Reply.Text: an error reply, its code first
)

// Reply is what a node said to one command. The zero Reply is Nil.
type Reply struct {
	Kind  Kind
	Int   int64
	Text  string
	Items []Reply
}

// OfInt returns an integer reply.
func OfInt(n int64) Reply { return Reply{Kind: Int, Int: n} }

// OfText returns a string reply.
func OfText(s string) Reply { return Reply{Kind: Text, Text: s} }

// OfArray returns an array of replies.
func OfArray(items ...Reply) Reply { return Reply{Kind: Array, Items: items} }

// OfError returns an error reply. The text begins with the error's code, as
// it does on the wire: "NOSCRIPT No matching script".
func OfError(text string) Reply { return Reply{Kind: Error, Text: text} }

// Code returns the code of an error reply, which is its first word
// ("NOSCRIPT", "WRONGTYPE", "NOAUTH"), and "" for every other reply.
func (r Reply) Code() string {
	if r.Kind != Error {
		return ""
	}
	code, _, _ := strings.Cut(r.Text, " ")
	return code
}

// Equal reports whether both replies say the same.
func (r Reply) Equal(o Reply) bool {
	if r.Kind != o.Kind || r.Int != o.Int || r.Text != o.Text || len(r.Items) != len(o.Items) {
		return false
	}
	for i := range r.Items {
		if !r.Items[i].Equal(o.Items[i]) {
			return false
		}
	}
	return true
}

// String renders the reply for an error message or a log: strings quoted, a
// long one cut.
func (r Reply) String() string {
	switch r.Kind {
	case Nil:
		return "nil"
	case Int:
		return strconv.FormatInt(r.Int, 10)
	case Text:
		return quote(r.Text)
	case Error:
		return "error " + quote(r.Text)
	case Array:
		items := make([]string, len(r.Items))
		for i, item := range r.Items {
			items[i] = item.String()
		}
		return "[" + strings.Join(items, " ") + "]"
	}
	return fmt.Sprintf("reply of unknown kind %d", r.Kind)
}

// quote keeps a hostile or broken node from filling a log.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
