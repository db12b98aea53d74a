package script

import (
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Note is the key of the note who was elected last. The braces make it hash to the
// slot of the key itself: see [Register].
func Note(key string) string { return "{" + key + "}:l" }

// LeaderChannel is where those listen who watch an election.
func LeaderChannel(key string) string { return leaderChannel + key }

const leaderChannel = "redlock:leader:"

// What is pushed there is a hint, "+<token>" of who was elected and "-<token>" of who
// leads no more.
const (
	elected  = "+"
	resigned = "-"
)

// Announce says on a node that who holds the key was elected. It may be said again, and
// late: it has an effect only while the value holds the key. ReadAnnounce reads the reply.
func Announce(key, value string, token uint64, retention int64) []resp.Command {
	return []resp.Command{AnnounceScript.call(
		[]string{key, Note(key)},
		value, strconv.FormatUint(token, 10), strconv.FormatInt(retention, 10), LeaderChannel(key),
	)}
}

// ReadAnnounce reports whether the node has taken note. The error is the node's, which
// would not.
func ReadAnnounce(replies []resp.Reply) (noted bool, err error) {
	switch {
	case len(replies) > 0 && replies[0].Kind == resp.Int:
		return replies[0].Int == 1, nil
	case len(replies) > 0 && replies[0].Kind == resp.Error:
		return false, ServerError(replies[0].Text)
	}
	return false, garbage("%v to the announcement of a leader", replies).Err
}

// Resign tells those who watch that the leader with the token leads no more.
func Resign(key string, token uint64) []resp.Command {
	return []resp.Command{{"PUBLISH", LeaderChannel(key), resigned + strconv.FormatUint(token, 10)}}
}

// ReadHint reads a push to those who watch; ok is false if it makes no sense.
func ReadHint(message string) (token uint64, leads, ok bool) {
	digits, leads := strings.CutPrefix(message, elected)
	if !leads {
		if digits, ok = strings.CutPrefix(message, resigned); !ok {
			return 0, false, false
		}
	}
	token, err := strconv.ParseUint(digits, 10, 64)
	return token, leads, err == nil
}

// Sight asks a node who leads, and changes nothing. The key comes before the note: a
// note is only read for a holder that has had the time to write it. ReadSight reads the
// replies.
func Sight(key string) []resp.Command {
	return []resp.Command{{"GET", key}, {"PTTL", key}, {"GET", Note(key)}}
}

// ReadSight reads what a node knows of who leads. The error is the node's, which
// would not say.
func ReadSight(replies []resp.Reply) (core.Sight, error) {
	if len(replies) < 3 {
		return core.Sight{}, garbage("%d replies to a batch of 3", len(replies)).Err
	}
	for _, r := range replies {
		if r.Kind == resp.Error {
			return core.Sight{}, ServerError(r.Text)
		}
	}
	s := core.Sight{Answered: true}
	if holder := replies[0]; holder.Kind == resp.Text && !IsReservation(holder.Text) {
		s.Holder = Unmarked(holder.Text)
		if ms := replies[1]; ms.Kind == resp.Int && ms.Int >= 0 {
			s.Remaining = time.Duration(max(1, ms.Int)) * time.Millisecond
		}
	}
	if note := replies[2]; note.Kind == resp.Text {
		token, value, _ := strings.Cut(note.Text, " ")
		if n, err := strconv.ParseUint(token, 10, 64); err == nil {
			s.Elected, s.Term = value, n
		}
	}
	return s, nil
}
