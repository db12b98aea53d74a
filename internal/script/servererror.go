package script

import (
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// ServerError is an error reply of a node. Its text is the server's, which
// never contains a password, and behind it what to do.
type ServerError string

// Error gives the server's words and a hint.
func (e ServerError) Error() string {
	code := resp.OfError(string(e)).Code()
	if strings.HasPrefix(string(e), noPermInScript) {
		code = "NOPERM"
	}
	if hint := hints[code]; hint != "" {
		return string(e) + " (" + hint + ")"
	}
	return string(e)
}

// noPermInScript is how Redis 7.0 calls a NOPERM within a script. It does not say which
// command it was.
const noPermInScript = "ERR The user executing the script can't"

// hints say what to do about an error reply, by its code.
var hints = map[string]string{
	"NOAUTH":      "the node wants a password: give it in the node's URL",
	"WRONGPASS":   "wrong user or password in the node's URL",
	"NOPERM":      "the user may not run this command: see docs/ACL.md for the least that it needs",
	"READONLY":    "this node is a replica: list only primaries that are independent of each other",
	"LOADING":     "the node is starting: it will vote when its data is loaded",
	"MASTERDOWN":  "this node is a replica that lost its primary: list only primaries",
	"MOVED":       "this is a node of a Redis Cluster: list independent primaries instead",
	"CLUSTERDOWN": "this is a node of a Redis Cluster: list independent primaries instead",
	"WRONGTYPE":   "the key holds something that is no lock: choose another prefix or name",
	"OOM":         "the node is out of memory",
	"MISCONF":     "the node cannot write its data to disk",
	"BUSY":        "the node is busy with a script of somebody",
}
