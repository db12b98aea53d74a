package script

import (
	"encoding/base64"
	"strings"
)

// The value of a key says who holds it: a mark of our format, an id that no
// other attempt has, and the owner's label:
//
//	rl1.<22 characters>.<label>
//
// To every other client that speaks Redlock it is what it should be: an opaque
// string that is unique to the attempt.
const (
	format = "rl1."
	idSize = 16 // bytes

	// describedFormat begins what stands for a value where there is more than one holder:
	// what errors call them follows.
	describedFormat = "rl1#"
)

var idLength = base64.RawURLEncoding.EncodedLen(idSize)

// ID is 128 random bits.
type ID [idSize]byte

// Value returns the value of an attempt.
func Value(id ID, label string) string {
	value, _ := ValueAndQueue(id, label, "")
	return value
}

// ValueAndQueue returns the value, and [Queue] of the key: in one piece, as this is on the hot path.
func ValueAndQueue(id ID, label, key string) (value, queue string) {
	var room [1536]byte
	b := room[:0]
	b = append(b, format...)
	b = base64.RawURLEncoding.AppendEncode(b, id[:])
	b = append(b, '.')
	b = append(b, label...)
	n := len(b)
	b = appendQueue(b, key)
	both := string(b)
	return both[:n], both[n:]
}

// Described is what stands for a value, if it is no value: see describedFormat.
func Described(value string) (holders string, ok bool) {
	return strings.CutPrefix(value, describedFormat)
}

// Label returns the owner's label in a value, which may be marked; ok is false if
// another library wrote the value.
func Label(value string) (label string, ok bool) {
	rest, ok := strings.CutPrefix(value, format)
	if !ok {
		rest, ok = strings.CutPrefix(value, markedFormat)
	}
	if !ok || len(rest) < idLength+1 || rest[idLength] != '.' {
		return "", false
	}
	return rest[idLength+1:], true
}
