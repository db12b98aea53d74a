package mutants

import "github.com/redlock-go/redlock/internal/check"

// ofLock are bugs of the lock alone: rounds, tokens, the guard, what is left behind.
//
// A raise that does not look whether the key is still ours (raise.lua without its GET)
// is not among them: nothing can tell it from the right one. Before the deadline the
// key can only have gone from the node with a restart, and then the guard does not
// count the vote; after it no vote counts. The check is there for what breaks the
// assumptions: FLUSHALL, or DEL by hand.
var ofLock = []Mutant{
	{
		Name:   "late-validity",
		Why:    "validity counts from the last reply, not from before the first request",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{acquire, "	c.phase = held\n", "	c.phase = held\n	c.deadline = quorum.Deadline(now.At, c.terms.TTL)\n"}},
	},
	{
		Name:   "late-extension",
		Why:    "an extension counts from its last reply",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{extend, "		c.deadline = deadline\n", "		c.deadline = quorum.Deadline(now.At, c.terms.TTL)\n"}},
	},
	{
		Name:   "drift-ignored",
		Why:    "nothing is given away to clocks that run at different rates",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{validity, "return ttl/100 + 2*time.Millisecond }", "return ttl - ttl + 0*time.Millisecond }"}},
	},
	{
		Name:   "half-quorum",
		Why:    "half of the nodes decide",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{quorum, "return n/2 + 1 }", "return (n + 1) / 2 }"}},
	},
	{
		Name:   "one-vote-short",
		Why:    "an attempt is won with N/2 votes, as they come in",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{quorum, "t.Yes >= t.Need:", "t.Yes >= t.N/2 && t.Yes > 0:"}},
	},
	{
		Name:   "deadline-waits",
		Why:    "while a round of extension is under way, its outcome is waited for, and the lease goes on (rueidislock)",
		Breaks: breaks(check.I2),
		Edits:  []Edit{{claim, "			return min(c.deadline, c.holdEnd)\n		}\n		return min(c.next", "			return Never\n		}\n		return min(c.next"}},
	},
	{
		Name:   "lapsed-revived",
		Why:    "an extension that succeeds after the deadline gives the lease a new life",
		Breaks: breaks(check.I2),
		Edits: []Edit{
			{extend, "	case now.At >= c.deadline:\n		return c.end(now, Expired, out)\n", "	case now.At >= c.deadline && !c.open:\n		return c.end(now, Expired, out)\n"},
			{claim, "		if c.open && !c.stalled {\n			return min(c.deadline, c.holdEnd)\n", "		if c.open {\n			return c.next\n"},
		},
	},
	{
		Name:   "late-return",
		Why:    "a lease that is given back after its deadline passes for one that was valid to the end",
		Breaks: breaks(check.I2),
		Edits:  []Edit{{claim, "		case c.phase == held && now.At >= c.Deadline():\n			return c.decideHeld(now, out) // it was over before\n", ""}},
	},
	{
		Name:   "naive-token",
		Why:    "each node counts up, and the greatest count of those that granted the key is the token",
		Breaks: breaks(check.I3),
		Edits: []Edit{
			{batch, "b.args[7:13:13], b.args[13:16:16]\n", `resp.Command{"INCR", register + "n"}, resp.Command{"PEXPIRE", register + "n", b.args[15]}
`},
			{read, "v.Accepted = raise.Kind == resp.Int && raise.Int == 1 && expire.Kind == resp.Int", "v.Accepted, v.Register = expire.Kind == resp.Int, uint64(raise.Int)"},
			{acquire, "		if accepted >= c.terms.Need {\n", `		if accepted >= c.terms.Need {
			c.proposal = 0
			for i := range c.seats {
				if s := &c.seats[i]; s.ballot == yes {
					c.proposal = max(c.proposal, s.vote().Register)
				}
			}
`},
		},
	},
	{
		Name:   "raise-skipped",
		Why:    "a token counts that no majority accepted",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{acquire, "		if accepted >= c.terms.Need {\n", "		if accepted >= 0 {\n"}},
	},
	{
		Name:   "quarantine-in-hand",
		Why:    "it is enough that the quarantine is over when the vote is in hand",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{simGuard, "l.core.Guard.Standing(f.SentAt(), l.epoch)", "l.core.Guard.Standing(l.proc.read(), l.epoch)"}},
	},
	{
		Name:   "same-value",
		Why:    "all attempts of one call of Acquire have one value (redsync)",
		Breaks: breaks(check.I4),
		Edits:  []Edit{{simClaim, "binary.BigEndian.PutUint64(id[:], w.claims)", "binary.BigEndian.PutUint64(id[:], uint64(o.chance))"}},
	},
	{
		Name:   "blind-release",
		Why:    "a release deletes whatever is there",
		Breaks: breaks(check.I4),
		Edits:  []Edit{{modelQueue, "	ours = holds(holder, value)\n", "	ours = holder.Kind == resp.Text\n"}},
	},
	{
		Name:   "blind-extension",
		Why:    "an extension resets the expiry of whatever is there",
		Breaks: breaks(check.I4),
		Edits:  []Edit{{scripts, "	case holder.Text != value && holder.Text != marked(value):\n		return holder\n", "	case len(value) == 0:\n		return holder\n"}},
	},
	{
		Name:   "late-grant-kept",
		Why:    "a grant that comes after the end of its attempt is not given back (redlock-rb#76)",
		Breaks: breaks(check.I5),
		Edits:  []Edit{{reply, "return c.decideEnd(c.clean(ev.Node, out))", "return c.decideEnd(out)"}},
	},
	{
		Name:   "minority-kept",
		Why:    "an attempt that is outvoted keeps the nodes that it got",
		Breaks: breaks(check.I5),
		Edits:  []Edit{{end, "		if c.seats[i].op == 0 {\n", "		if c.seats[i].op == 0 && reason != Outvoted {\n"}},
	},
	{
		Name:   "doubt-ignored",
		Why:    "where no reply came, nothing is released",
		Breaks: breaks(check.I5),
		Edits:  []Edit{{seat, "return s.established != none || s.doubt }", "return s.established != none }"}},
	},
	{
		Name:   "debt-dropped",
		Why:    "a release that could not be sent is forgotten",
		Breaks: breaks(check.I5),
		Edits:  []Edit{{lane, "	if len(l.owed) < 2*l.limits.Owed {\n", "	if len(l.owed) > 2*l.limits.Owed {\n"}},
	},
	{
		Name:   "debt-unpaid",
		Why:    "a release that was not answered counts as done",
		Breaks: breaks(check.I5),
		Edits:  []Edit{{simLane, "f.op == core.Release && (vote.Answer", "f.op == core.Raise && (vote.Answer"}},
	},
	{
		Name:   "broken-missed",
		Why:    "a probe on an old connection that broke counts as one that the node did not answer",
		Breaks: breaks(check.I5),
		Rare:   true,
		Edits:  []Edit{{lane, "	case how == Broken && l.broken < mostBroken:\n", "	case how == Broken && l.broken < 0:\n"}},
	},
	{
		Name:   "no-guard",
		Why:    "a restarted node votes at once (every library but this one)",
		Breaks: breaks(check.I6),
		Edits:  []Edit{{guard, "	case sent < g.until:\n		return Abstains\n", ""}},
	},
	{
		Name:   "short-quarantine",
		Why:    "a restarted node votes after half of a TTL",
		Breaks: breaks(check.I6),
		Edits:  []Edit{{guard, "return Guard{quarantine: quarantine} }", "return Guard{quarantine: quarantine / 2} }"}},
	},
	{
		Name:   "uptime-trusted",
		Why:    "another server at a known address votes if it says that it has been up for long",
		Breaks: breaks(check.I6),
		Edits:  []Edit{{guard, "	case known != \"\":\n", "	case known != \"\" && f.Uptime < g.quarantine:\n"}},
	},
	{
		Name:   "epoch-after",
		Why:    "the epoch that counts as verified is that from after the server was asked",
		Breaks: breaks(check.I6),
		Edits:  []Edit{{simGuard, "l.core.Guard.Verified(l.proc.read(), f.epoch, facts)", "l.core.Guard.Verified(l.proc.read(), l.epoch, facts)"}},
	},
	{
		Name:   "verified-once",
		Why:    "a node is verified when it is met, and never again",
		Breaks: breaks(check.I6),
		Edits:  []Edit{{guard, "case !g.verified || epoch != g.epoch,", "case !g.verified,"}},
	},
	{
		Name:   "suspect-awaited",
		Why:    "a node that does not answer is waited for by every attempt",
		Breaks: breaks(check.I8),
		Edits:  []Edit{{lane, "	case (op == Ask || op == Extend || op == Resume) && l.suspect && quorumWithout:\n", "	case (op == Ask || op == Extend || op == Resume) && l.suspect && quorumWithout && false:\n"}},
	},
	{
		Name:   "all-awaited",
		Why:    "an attempt waits for all nodes before it is won",
		Breaks: breaks(check.I8),
		Edits:  []Edit{{acquire, "	case quorum.Won:\n		accepted := 0\n", "	case quorum.Won:\n		if c.awaiting() {\n			return out\n		}\n		accepted := 0\n"}},
	},
	{
		Name:   "raise-waits",
		Why:    "a round that raises the token waits for nodes that have not granted the key",
		Breaks: breaks(check.I8),
		Edits:  []Edit{{acquire, "ready < c.terms.Need && c.awaiting():", "ready <= len(c.seats) && c.awaiting():"}},
	},
	{
		Name:   "timid-raise",
		Why:    "a token that was outrun is proposed again",
		Breaks: breaks(check.I8),
		Edits:  []Edit{{acquire, "	proposal := max(now.Wall, c.highest+1)\n", "	proposal := max(now.Wall, c.proposal)\n"}},
	},
	{
		Name:   "repaired-votes",
		Why:    "a node that lost the key and was given it again votes at once (redsync's SetNXOnExtend)",
		Breaks: breaks(check.I9),
		Edits:  []Edit{{reply, "			s.established = c.round + 1\n			asking :=", "			s.established = 0\n			asking :="}},
	},
	{
		Name:   "lapsed-votes",
		Why:    "a node votes that has the key, although it has had time to expire and be taken anew by a late request",
		Breaks: breaks(check.I9),
		Edits:  []Edit{{reply, "now.At >= quorum.Deadline(s.provenAt, c.terms.TTL) {", "now.At >= quorum.Deadline(s.provenAt, c.terms.TTL) && false {"}},
	},
	{
		Name:   "refresh-votes",
		Why:    "a node that is found to have the key votes, since whenever it has it",
		Breaks: breaks(check.I9),
		Edits:  []Edit{{extend, "	c.round++\n	c.sentAt = now.At\n", "	c.round++\n	c.sentAt = now.At\n	c.good = c.round\n"}},
	},
	{
		Name:   "kept-votes",
		Why:    "a grant that a push brought to a lease before its first renewal counts as one of the asking's",
		Breaks: breaks(check.I9),
		Rare:   true,
		Edits:  []Edit{{claim, "			s.overdue = true // it is none", "			s.overdue = false // it is none"}},
	},
}
