package core

import (
	"fmt"
	"time"
)

// Guard keeps a node from voting that may have forgotten what it granted (I6).
//
// A server that restarts breaks every connection, so a client always meets a
// restarted server on a connection that is new. The shell counts connections, the
// epoch; a vote counts only if the epoch was verified when the reply was in hand.
// A new epoch is verified by asking the server who it is: if it is the same run
// of the same server, nothing happened; if not, it abstains from acquiring until
// every lease that it may have granted before is over.
type Guard struct {
	quarantine time.Duration // 0: nodes keep their data over restarts, no wait
	verified   bool
	epoch      uint64 // the one verified
	at         Time   // when it was
	runID      string // the run that was verified last, "" if none was
	until      Time   // abstains until then
	why        string // it abstains
	barred     error  // it may not vote at all
}

// barAgain is after how long a server that was barred is asked again: the reason
// can go away without a connection breaking.
const barAgain = time.Second

// demoted stands for the run of a server that was met as a replica: what it will
// have forgotten when it is promoted is not known, so it is met as a stranger.
const demoted = "a replica"

// NewGuard returns the guard of a node of which nothing is known. The quarantine
// is the longest TTL in use plus drift, or 0 if the nodes lose no data when they
// restart.
func NewGuard(quarantine time.Duration) Guard { return Guard{quarantine: quarantine} }

// Facts are what a server says of itself.
type Facts struct {
	RunID    string        // changes with every start
	Uptime   time.Duration // at the most what it is
	Replica  bool
	Primary  string // the address of a replica's primary
	Promoted bool   // it was a replica once
	Fresh    bool   // whoever made it vouches that this run never granted anything before

	// Mute: it does not say who it is, as no Redis or Valkey server does. It
	// votes unguarded.
	Mute bool
}

// Standing is what a node's votes count for.
type Standing uint8

// The standings.
const (
	Unverified Standing = iota // ask the server who it is, then ask the guard again
	Votes
	Abstains
	Barred
)

// Standing says what a vote counts for that was asked for at sent, and whose reply
// is in hand while the number of connections is epoch. The quarantine must have
// been over when the vote was asked for: then every token that the node may have
// forgotten is older than the proposal by the quarantine at least, which is what
// I3 allows the clocks of clients to differ by. (The model shows tokens out of
// order if it is enough that the quarantine is over when the reply is there.)
func (g *Guard) Standing(sent Time, epoch uint64) Standing {
	switch {
	case !g.verified || epoch != g.epoch, g.barred != nil && sent >= g.at+barAgain:
		return Unverified
	case g.barred != nil:
		return Barred
	case sent < g.until:
		return Abstains
	}
	return Votes
}

// Cause is why the node does not vote, nil if it does.
func (g *Guard) Cause(now Time) error {
	switch {
	case g.barred != nil:
		return g.barred
	case now < g.until:
		return fmt.Errorf("it abstains for %v yet, until every lease is over that it may have granted: %s", (g.until - now).Round(time.Millisecond), g.why)
	}
	return nil
}

// Bar makes the node abstain until it is verified again: it is no independent
// primary.
func (g *Guard) Bar(err error) { g.barred = err }

// Forgot takes note that keys may be gone from the node before their time,
// though it is the same run: it abstains from now on for a quarantine.
func (g *Guard) Forgot(now Time, why error) {
	if until := now + g.quarantine; g.quarantine > 0 && until > g.until {
		g.until, g.why = until, why.Error()
	}
}

// Demoted takes note that the server answered as a replica.
func (g *Guard) Demoted() { g.verified, g.runID = false, demoted }

// Verified takes what the server says of itself. The epoch is that from before
// it was asked: a connection that was made meanwhile may lead to another run.
func (g *Guard) Verified(now Time, epoch uint64, f Facts) {
	known := g.runID
	g.verified, g.epoch, g.at, g.runID, g.barred = true, epoch, now, f.RunID, nil
	if f.Replica {
		g.runID = demoted
		g.barred = fmt.Errorf("it is a replica of %s, not a primary: list only primaries that are independent of each other", f.Primary)
		return
	}
	if known == f.RunID {
		return
	}
	g.until, g.why = 0, ""
	switch {
	case g.quarantine == 0 || f.Fresh || f.Mute:
	case known != "":
		g.until = now + g.quarantine
		g.why = "the server was restarted, or replaced by another"
	case f.Promoted:
		g.until = now + g.quarantine
		g.why = "the server was a replica before, and may not know all that its primary had granted"
	case f.Uptime < g.quarantine:
		g.until = now + g.quarantine - f.Uptime
		g.why = fmt.Sprintf("the server was started only %v ago", f.Uptime)
	}
}
