package script

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Waiter is who stands in the nodes' queues for a key, by its ticket:
//
//	<ticket, 16 digits>.<process, 24 hex digits>.<number><mark of its Kind>
//
// Names sort as tickets do. The number has decimal digits only, so that nothing but a mark
// looks like one.
type Waiter string

// ProcessID is 96 random bits: a process, to whose channel a node pushes.
type ProcessID [12]byte

// Channel is where the process listens.
func (p ProcessID) Channel() string { return channel + hex.EncodeToString(p[:]) }

// Waiter names a waiter of the process. The ticket is its place in the order, the
// process's wall clock in µs since 1970 when it came, or the highest token that it had seen; number tells two waiters of one
// process apart.
func (p ProcessID) Waiter(ticket, number uint64) Waiter {
	return Waiter(fmt.Sprintf("%016d.%s.%s", ticket%1e16, hex.EncodeToString(p[:]), strconv.FormatUint(number, 10)))
}

// For is the name of a waiter for a thing of that Kind.
func (w Waiter) For(kind Kind) Waiter {
	if kind == nil {
		return w
	}
	return w + Waiter(kind.Mark())
}

const (
	channel        = "redlock:wake:"
	markedFormat   = "rl1+"
	reservedFormat = "rl1>"
)

// Reservation is the value of a key that is kept for the waiter.
func (w Waiter) Reservation() string { return reservedFormat + string(w) }

// Parts are the ticket and the process in a waiter's name, whoever wrote it.
func (w Waiter) Parts() (ticket uint64, process string) {
	first, rest, _ := strings.Cut(string(w), ".")
	ticket, _ = strconv.ParseUint(first, 10, 53)
	process, _, _ = strings.Cut(rest, ".")
	return ticket, process
}

// ReservedFor is whom a value keeps the key for, if it does.
func ReservedFor(value string) (w Waiter, ok bool) {
	name, ok := strings.CutPrefix(value, reservedFormat)
	return Waiter(name), ok
}

// IsReservation reports whether a value keeps the key for a waiter: nobody holds it,
// and nobody may have it for a moment.
func IsReservation(value string) bool { return strings.HasPrefix(value, reservedFormat) }

// IsOurs reports whether a value is of our format: then who holds the key, or may
// have it, will wake who waits for it.
func IsOurs(value string) bool {
	return strings.HasPrefix(value, format) || strings.HasPrefix(value, markedFormat) || IsReservation(value) || IsShared(value)
}

// IsLeft reports whether a value says that the key is left to clients of other libraries.
func IsLeft(value string) bool { return value == reservedFormat }

// left is the end of the key that says so, behind that of the queue.
const left = ":left"

// Unmarked is a value as its holder wrote it.
func Unmarked(value string) string {
	if rest, ok := strings.CutPrefix(value, markedFormat); ok {
		return format + rest
	}
	return value
}

// How long a key is reserved, and a queue that nobody touches is kept, in ms. Waiters
// ask again before the queue is gone.
const (
	ReservationMS = 500
	QueueMS       = 60_000
)

// WaitRules are the rules of all who wait.
var WaitRules = core.WaitRules{
	Reservation: ReservationMS * time.Millisecond,
	Grace:       10 * time.Millisecond,
	Turn:        5 * time.Millisecond,
	Most:        QueueMS * time.Millisecond / 2,
}

var (
	reservation = strconv.Itoa(ReservationMS)
	queueKept   = strconv.Itoa(QueueMS)
)

// Queue is the key of the queue of those who wait for a key. The braces make it hash to
// the slot of the key itself, as they do for the register: see [Register].
func Queue(key string) string { return string(appendQueue(nil, key)) }

func appendQueue(b []byte, key string) []byte {
	return append(append(append(b, '{'), key...), "}:q"...)
}

// Deputy is which of those who still wait is told to look again when the reservation
// is over: whom the key is reserved for may be frozen.
type Deputy string

// The deputies.
const (
	Nobody Deputy = ""
	Next   Deputy = "next"
	Last   Deputy = "last"
	Both   Deputy = "both"
)

// DeputyAfter is who is told by a node, if so many nodes that answer tell somebody
// already: two of them do, or the only one.
func DeputyAfter(others, nodes int) Deputy {
	switch {
	case nodes == 1:
		return Both
	case others == 0:
		return Next
	case others == 1:
		return Last
	}
	return Nobody
}

// Take takes the key if it is the waiter's turn, and else has it stand in the queue.
func (p Params) Take(value string, token uint64) []resp.Command {
	return []resp.Command{TakeScript.call(
		[]string{p.Key, Register(p.Key), Queue(p.Key)},
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention),
		string(p.Waiter), reservation, queueKept, p.last(token),
	)}
}

// Push is what a message says.
type Push uint8

// The pushes.
const (
	Garbled   Push = iota
	Reserved       // the key is reserved for the waiter
	LookAgain      // the key is reserved for another: look again when that is over
)

// ReadPush reads a message of a process's channel.
func ReadPush(message string) (what Push, w Waiter, key string) {
	if message == "" {
		return Garbled, "", ""
	}
	name, key, ok := strings.Cut(message[1:], " ")
	switch {
	case ok && message[0] == '+':
		key, _ = cutSlot(Waiter(name), key)
		return Reserved, Waiter(name), key
	case ok && message[0] == '?':
		return LookAgain, Waiter(name), key
	}
	return Garbled, "", ""
}

// Leave takes a waiter out of a node's queue, and gives back what is kept for it.
func Leave(key string, w Waiter) resp.Command {
	if k := slotsOf(w); k > 0 {
		return Slots{K: k}.Release(key, format, w, false, Nobody)
	}
	return Release(key, format, w, false, Nobody) // no claim has that value
}
