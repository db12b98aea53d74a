package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// FreshKey is the key in which whoever creates a node that never granted
// anything notes the run_id of that node, so that it need not sit out a
// quarantine. A restart changes the run_id, and so voids the note.
const FreshKey = "redlock:fresh"

// Verify asks a node who it is, and how a key is released there. ReadVerify reads the
// replies. It is a probe as well.
func Verify() []resp.Command {
	return append([]resp.Command{{"INFO", "server"}, {"INFO", "replication"}, {"GET", FreshKey}}, tryNatives()...)
}

// Admit notes that this run of a server never granted anything.
func Admit(runID string) []resp.Command {
	return []resp.Command{{"SET", FreshKey, runID}}
}

// ReadVerify reads what a server says of itself. How a key is released is known also of one
// of which nothing else is.
func ReadVerify(replies []resp.Reply) (core.Facts, Native, error) {
	if len(replies) != 5 {
		return core.Facts{}, Scripted, fmt.Errorf("%d replies to a batch of 5: this is no Redis server", len(replies))
	}
	native := readNatives(replies[3:])
	facts, err := readFacts(replies[:3])
	return facts, native, err
}

func readFacts(replies []resp.Reply) (core.Facts, error) {
	for _, r := range replies {
		// ERR is how a server says that it does not know what we ask; some that
		// are not Redis (miniredis) have no code before their words.
		if code := r.Code(); r.Kind == resp.Error && code != "ERR" && code == strings.ToUpper(code) {
			return core.Facts{}, ServerError(r.Text)
		}
	}
	info := fields(replies[0].Text + "\n" + replies[1].Text)
	uptime, err := strconv.ParseInt(info["uptime_in_seconds"], 10, 64)
	if err != nil || info["run_id"] == "" || info["role"] == "" {
		return core.Facts{Mute: true}, nil
	}
	f := core.Facts{
		RunID: info["run_id"],
		// The difference of two clock readings in whole seconds: up to a second
		// more than it is.
		Uptime: time.Duration(max(0, uptime-1)) * time.Second,
		// A replication id of a former primary: the server was promoted, or
		// restarted from a replica's data.
		Promoted: strings.Trim(info["master_replid2"], "0") != "",
		Fresh:    replies[2].Kind == resp.Text && replies[2].Text == info["run_id"],
	}
	if info["role"] != "master" {
		f.Replica = true
		f.Primary = info["master_host"] + ":" + info["master_port"]
	}
	return f, nil
}

// fields reads the "name:value" lines of INFO.
func fields(info string) map[string]string {
	m := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[name] = value
		}
	}
	return m
}

// Clock asks a node for its time. ReadClock reads the reply.
func Clock() []resp.Command { return []resp.Command{{"TIME"}} }

// ReadClock reads a node's clock, as the time since 1970; ok is false if it does
// not tell.
func ReadClock(r resp.Reply) (at time.Duration, ok bool) {
	if r.Kind != resp.Array || len(r.Items) != 2 {
		return 0, false
	}
	seconds, err1 := strconv.ParseInt(r.Items[0].Text, 10, 64)
	micros, err2 := strconv.ParseInt(r.Items[1].Text, 10, 64)
	return time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond, err1 == nil && err2 == nil
}
