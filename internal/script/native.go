package script

import (
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// Native is a compare-and-delete that a server has as a command of its own, which
// costs it less than a script does. It answers 1 if it deleted the key, and 0 if the key is
// absent or holds something else.
//
// It releases what nobody waits for, and does just what the script does then. A waiter
// marks the holder's value in the step in which it stands in the queue: then the value is another
// than the holder's, the answer is 0, and the script decides. See [Reword].
type Native uint8

// The natives.
const (
	Scripted Native = iota // none: the script does it
	Delex                  // DELEX key IFEQ value: Redis from 8.4
	Delifeq                // DELIFEQ key value: Valkey from 9.0
)

// command is what releases a key with it, written to the room.
func (n Native) command(room *[10]string, key, value string) resp.Command {
	if n == Delex {
		return append(room[:0], "DELEX", key, "IFEQ", value)
	}
	return append(room[:0], "DELIFEQ", key, value)
}

// tryNatives finds out which one a server has, and this user may use, by using it: no
// version number tells that, nor that an ACL or a proxy is in the way, and it needs
// no right to ask. Nothing is deleted: what is compared is no run_id.
func tryNatives() []resp.Command {
	return []resp.Command{{"DELEX", FreshKey, "IFEQ", nobodys}, {"DELIFEQ", FreshKey, nobodys}}
}

// nobodys is what no key holds, and no claim as its value.
const nobodys = "-"

func readNatives(replies []resp.Reply) Native {
	for i, n := range []Native{Delex, Delifeq} {
		if i < len(replies) && replies[i].Kind == resp.Int {
			return n
		}
	}
	return Scripted
}

// Reword returns what to say instead of a command, given the reply to it: the script if a
// native release has not deleted the key, be it that somebody waits, that the key is gone or another's,
// or that the server does not know the command any more or forbids it; and
// a script's source if the server does not know the script. ok is false if
// the reply is the answer.
func Reword(cmd resp.Command, reply resp.Reply) (again resp.Command, ok bool) {
	switch cmd[0] {
	case "DELEX", "DELIFEQ":
		value := cmd[len(cmd)-1]
		if value == nobodys || reply.Kind == resp.Int && reply.Int == 1 {
			return nil, false
		}
		return Release(cmd[1], value, "", false, Both), true
	case "EVALSHA":
		if reply.Code() == "NOSCRIPT" {
			return Eval(cmd)
		}
	}
	return nil, false
}

// LacksNative reports whether a reply says that it is in vain to say a native release again:
// the server does not know the command, or this user may not use it.
func LacksNative(cmd resp.Command, reply resp.Reply) bool {
	return (cmd[0] == "DELEX" || cmd[0] == "DELIFEQ") &&
		(reply.Code() == "NOPERM" || reply.Kind == resp.Error && strings.Contains(reply.Text, "unknown command"))
}
