package script

import (
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// natives are the commands that only newer servers know.
var natives = map[string]Native{"delex": Delex, "delifeq": Delifeq}

// delex is DELEX key [IFEQ value].
func (r *run) delex(cmd resp.Command) resp.Reply {
	switch {
	case len(cmd) == 2:
		return r.del(cmd)
	case len(cmd) != 4:
		return wrongArity("delex")
	case !strings.EqualFold(cmd[2], "IFEQ"):
		return notModelled("this condition of DELEX: " + cmd[2])
	}
	if e, ok := r.find(cmd[1]); ok && e.sorted {
		return resp.OfError("ERR Key should be of string type if conditions are specified")
	}
	return r.deleteIf(cmd[1], cmd[3])
}

func (r *run) delifeq(cmd resp.Command) resp.Reply {
	if e, ok := r.find(cmd[1]); ok && e.sorted {
		return wrongType
	}
	return r.deleteIf(cmd[1], cmd[2])
}

// deleteIf deletes a string that is equal to the value.
func (r *run) deleteIf(key, value string) resp.Reply {
	if e, ok := r.find(key); !ok || e.text != value {
		return resp.OfInt(0)
	}
	delete(r.keys, key)
	return resp.OfInt(1)
}
