package mutants

import "github.com/redlock-go/redlock/internal/check"

const (
	acquire    = "internal/core/claim_acquire.go"
	claim      = "internal/core/claim.go"
	reply      = "internal/core/claim_reply.go"
	seat       = "internal/core/claim_seat.go"
	end        = "internal/core/claim_end.go"
	extend     = "internal/core/claim_extend.go"
	guard      = "internal/core/guard.go"
	lane       = "internal/core/lane.go"
	pass       = "internal/core/claim_pass.go"
	quorum     = "internal/quorum/quorum.go"
	validity   = "internal/quorum/validity.go"
	batch      = "internal/script/batch.go"
	read       = "internal/script/read.go"
	scripts    = "internal/script/model_scripts.go"
	native     = "internal/script/native.go"
	modelQueue = "internal/script/model_queue.go"
	modelRead  = "internal/script/model_read.go"
	modelAll   = "internal/script/model_all.go"
	modelLook  = "internal/script/model_look.go"
	wait       = "internal/core/wait.go"
	resume     = "internal/core/claim_resume.go"
	handScript = "internal/script/hand.go"
	modelHand  = "internal/script/model_hand.go"
	simHanding = "internal/sim/handing.go"
	simEar     = "internal/sim/ear.go"
	simQueues  = "internal/sim/queues.go"
	simClaim   = "internal/sim/claim.go" // what the shell decides, as the simulator mirrors it
	simGuard   = "internal/sim/verify.go"
	simLane    = "internal/sim/lane.go"
	simOp      = "internal/sim/operation.go"
)

func breaks(list ...check.Invariant) []check.Invariant { return list }

// All lists every mutant, in the order of the invariant that it is meant to break.
//
// A raise that does not look whether the key is still ours (raise.lua without its GET)
// is not among them: nothing can tell it from the right one. Before the deadline the
// key can only have gone from the node with a restart, and then the guard does not
// count the vote; after it no vote counts. The check is there for what breaks the
// assumptions: FLUSHALL, or DEL by hand.
//
// Nor is the release of a lost attempt that takes its waiter out of the queue although the
// key is not its own any more (release.lua without its look at "stays"). Where a request was given
// up its node is suspected, and the release is owed: late-debt is that. What is left is
// a grant of a minority that comes after a TTL, where its place was needed.
var All = []Mutant{
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
		Name:   "requeue-lost",
		Why:    "who gives back what a failed attempt got, or is overtaken where the key was reserved for it, does not stand in the queue again",
		Breaks: breaks(check.I7),
		Edits: []Edit{
			{modelQueue, "	if stays {\n", "	if stays && kept == \"-\" {\n"},
			{modelQueue, "				r.join(queue, cut(holder.Text, 4), kept)\n", ""},
		},
	},
	{
		Name:   "reservation-kept",
		Why:    "a waiter that gives up does not give back what is reserved for it",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "	if !ours && (waiter == \"\" || stays || !has(reservedFormat+waiter)) {\n", "	if !ours {\n"}},
	},
	{
		Name:   "push-trusted",
		Why:    "a node's push that it keeps the key is taken for its vote",
		Breaks: breaks(check.I1),
		Edits: []Edit{{claim, "		if s := &c.seats[ev.Node]; c.phase == held && s.op == 0 && s.established == none {\n", `		if s := &c.seats[ev.Node]; c.phase == asking && s.ballot == no && s.op == 0 {
			s.ballot, s.accepts, s.answer, s.established = yes, true, Granted, 0
			return c.decide(now, out)
		} else if c.phase == held && s.op == 0 && s.established == none {
`}},
	},
	{
		Name:   "dead-waited-for",
		Why:    "a waiter that nobody listens for any more gets its turn",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "		if r.tell(\"+\", first, key) {\n", "		if r.tell(\"+\", first, key) || first != \"\" {\n"}},
	},
	{
		Name:   "turn-ignored",
		Why:    "a free key is anybody's, whoever stands before them",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "			first, kept := r.reserve(key, queue, waiter, ms)\n", "			first, kept := ms, false\n"}},
	},
	{
		Name:   "mark-lost",
		Why:    "a waiter does not mark the holder's value, and is not looked for at the release",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "				case strings.HasPrefix(holder.Text, format):\n", "				case strings.HasPrefix(holder.Text, format) && waiter == \"\":\n"}},
	},
	{
		Name:   "native-final",
		Why:    "the answer of a native release is taken for the last word, although it says nothing of who waits",
		Breaks: breaks(check.I5, check.I7),
		Edits:  []Edit{{native, "value == nobodys || reply.Kind == resp.Int && reply.Int == 1 {", "value == nobodys || reply.Kind == resp.Int {"}},
	},
	{
		Name:   "push-awaited",
		Why:    "who stands in the queues waits for pushes only, and not for the end of the holder's TTL",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{wait, "	if at := free[w.need-1]; at < w.next {\n", "	if at := free[w.need-1]; at < now {\n"}},
	},
	{
		Name:   "stranger-awaited",
		Why:    "a push is waited for from nodes whose key another library has",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{wait, "		if agreed || v.Queued && !v.Foreign || p.fresh {\n", "		if agreed || v.Queued || p.fresh {\n"}},
	},
	{
		Name:   "minority-awaited",
		Why:    "a minority of pushes is not tried, though the others may have been lost",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{wait, "	case perhaps >= w.need:\n", "	case perhaps >= w.need && kept > perhaps:\n"}},
	},
	{
		Name:   "no-deputy",
		Why:    "nobody is told to look after a reservation, and one who stands still costs the rest of the holder's TTL",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "	for _, index := range deputies[Deputy(who)] {\n", "	for _, index := range deputies[Deputy(who+\"?\")] {\n"}},
	},
	{
		Name:   "unreserved",
		Why:    "the first waiter is pushed to, and the key is left for anybody who comes by",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "			r.must(\"SET\", key, reservedFormat+first, \"PX\", ms)\n", ""}},
	},
	{
		Name:   "dead-kept",
		Why:    "a node's push for a waiter that has left is not answered, and it stays in that queue",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{simEar, "		l.dismiss(key, nil, name)\n", "		_ = key\n"}, {simQueues, "		w.op.proc.lanes[i].dismiss(w.key, w.kind, w.name)\n", "		_ = i\n"}},
	},
	{
		Name:   "dead-deputy",
		Why:    "who is told to look after a reservation may be dead, and then nobody is",
		Breaks: breaks(check.I7),
		Rare:   true,
		Edits:  []Edit{{modelQueue, "r.tell(\"?\", list.Items[0].Text, key) || r.must(\"ZREM\"", "r.tell(\"?\", list.Items[0].Text, key) || who != \"\" || r.must(\"ZREM\""}},
	},
	{
		Name:   "late-debt",
		Why:    "a release that is owed takes the waiter of a lost attempt out of the queue, when it is paid",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{simLane, "	if c.lost == nil || c.lost.reason != core.Outvoted {\n", "	{\n"}},
	},
	{
		Name:   "place-spent",
		Why:    "who finds its lease over when it looks waits on in the place that left the queues with it",
		Breaks: breaks(check.I7),
		Rare:   true,
		Edits:  []Edit{{simOp, "	queued, spent := false, o.place != nil && o.claim.won\n", "	queued, spent := false, o.place != nil && o.claim.won && false\n"}},
	},
	{
		Name:   "kept-votes",
		Why:    "a grant that a push brought to a lease before its first renewal counts as one of the asking's",
		Breaks: breaks(check.I9),
		Rare:   true,
		Edits:  []Edit{{claim, "			s.overdue = true // it is none", "			s.overdue = false // it is none"}},
	},
	{
		Name:   "block-unreserved",
		Why:    "a lease passes on with tokens that the nodes have not been told of",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{batch, "return strconv.FormatUint(token+p.Block, 10) }", "return strconv.FormatUint(token+p.Block-p.Block, 10) }"}},
	},
	{
		Name:   "block-overrun",
		Why:    "a lease passes on when all the tokens that were reserved are used up",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{pass, "c.Held(at) && c.passed < c.block && ", "c.Held(at) && c.block > 0 && "}},
	},
	{
		Name:   "reader-hurries",
		Why:    "a reader looks at nobody who waits to write",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelRead, "				free = !stands\n", "				free = !stands || by > 0\n"}},
	},
	{
		Name:   "first-reader-frees",
		Why:    "the release of one reader ends it for all",
		Breaks: breaks(check.I1, check.I4),
		Edits:  []Edit{{modelRead, "			free = r.must(\"EXISTS\", readers).Int == 0\n", "			free = ours || r.must(\"EXISTS\", readers).Int == 0\n"}},
	},
	{
		Name:   "reader-shortens",
		Why:    "a key that is shared lives as long as the reader that spoke last, and not as the longest",
		Breaks: breaks(check.I1, check.I9),
		Edits: []Edit{
			{modelRead, "	r.must(\"PEXPIREAT\", key, over, \"GT\")\n", "	r.must(\"PEXPIREAT\", key, over)\n"},
			{modelRead, "	last := r.must(\"ZRANGE\", readers, \"-1\", \"-1\").Items[0].Text\n", "	last := r.must(\"ZRANGE\", readers, \"0\", \"0\").Items[0].Text\n"},
		},
	},
	{
		Name:   "downgrade-frees",
		Why:    "a writer that goes on as a reader gives the key back, and holds nothing",
		Breaks: breaks(check.I1, check.I4),
		Edits:  []Edit{{modelRead, "		r.share(key, queue, readers, value, now, ttl, alone)\n		if alone {\n", "		if alone {\n			r.must(\"DEL\", key)\n			return resp.OfInt(1)\n		}\n		r.share(key, queue, readers, value, now, ttl, alone)\n		if alone {\n"}},
	},
	{
		Name:   "reader-token-free",
		Why:    "a reader's token is accepted whatever writers had before",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{modelRead, "	return mine > writers, writers\n", "	return true, writers\n"}},
	},
	{
		Name:   "called-forgotten",
		Why:    "readers that were called and have not come yet lose their turn when the key becomes free",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelRead, "				if shares(called.Text) {\n", "				if shares(called.Text) && waiter == \"-\" {\n"}},
	},
	{
		Name:   "readers-unwoken",
		Why:    "readers behind a writer that goes on as a reader, or gives up, are not called",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "		if !shares(first) || woken == 100 {\n", "		if !shares(first) || woken >= 0 {\n"}},
	},
	{
		Name:   "set-in-part",
		Why:    "of several keys a node gives those that it can, and says no",
		Breaks: breaks(check.I5, check.A3),
		Edits:  []Edit{{modelAll, "			s.must(\"ZREM\", s.queues[i], waiter)\n		}\n		for _, i := range t.kept {\n", "			s.must(\"SET\", s.keys[i], value, \"PX\", ms)\n		}\n		for _, i := range t.kept {\n"}},
	},
	{
		Name:   "set-released-in-part",
		Why:    "the release of several keys ends at the first that was lost",
		Breaks: breaks(check.I5),
		Rare:   true,
		Edits:  []Edit{{modelAll, "			all, next = all && ours, next || first\n", "			all, next = all && ours, next || first\n			if !ours {\n				break\n			}\n"}},
	},
	{
		Name:   "set-extended-in-part",
		Why:    "a node extends what it still has of several keys, and votes",
		Breaks: breaks(check.I1, check.I9),
		Rare:   true,
		Edits:  []Edit{{modelAll, "		case len(ours) < len(s.keys):\n", "		case len(ours) < 0:\n"}},
	},
	{
		Name:   "set-token-of-one",
		Why:    "the token of several keys is accepted, although the register of one has seen one as high",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{modelAll, "		if highest != \"\" {\n			return", "		if highest != \"\" && number(highest) > number(token)+1e9 {\n			return"}},
	},
	{
		Name:   "hand-over-ignored",
		Why:    "who has handed a lease over goes on with it",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{simHanding, "	c.step(core.Event{Kind: core.HandOver})\n", ""}, {simHanding, "	o.finish()\n	return true\n}\n\n// resume", "	return true\n}\n\n// resume"}},
	},
	{
		Name:   "value-kept",
		Why:    "who takes a lease over goes on with the value that it has",
		Breaks: breaks(check.H1),
		Edits:  []Edit{{simHanding, "		how, c.value = core.Prolong, t.from.value\n	}\n", "		how = core.Prolong\n	}\n	c.value = t.from.value\n"}},
	},
	{
		Name:   "blind-hand",
		Why:    "a key is passed on whoever has it",
		Breaks: breaks(check.I1, check.H2),
		Edits:  []Edit{{modelHand, "		case holder.Text != from && holder.Text != to:\n			return holder\n", ""}},
	},
	{
		Name:   "unlisted-votes",
		Why:    "a node that has the key votes for the lease that was handed over, since whenever it has it",
		Breaks: breaks(check.I9),
		Edits: []Edit{
			{resume, "return c.estate != nil && c.estate.bequests[node].listed }", "return c.estate != nil }"},
			{resume, "		if b.listed && !ev.Vote.Abstain {\n", "		if !ev.Vote.Abstain {\n"},
			{resume, "return c.phase == held && s.established <= c.good && s.op", "return c.phase == held && s.established != none && s.op"},
		},
	},
	{
		Name:   "heir-deletes",
		Why:    "who cannot take a lease over cleans up as after an attempt, and deletes the key",
		Breaks: breaks(check.H3),
		Edits:  []Edit{{handScript, "	if reason == core.Outvoted || reason == core.Abandoned {\n", "	if reason == core.Released {\n"}},
	},
	{
		Name:   "heir-keeps",
		Why:    "who cannot take a lease over keeps the nodes that it got",
		Breaks: breaks(check.I5),
		Edits:  []Edit{{end, "	if c.borrowed() || c.reason == HandedOver && s.left {\n", "	if c.estate != nil && c.reason == Outvoted || c.borrowed() || c.reason == HandedOver && s.left {\n"}},
	},
	{
		Name:   "hand-over-deletes",
		Why:    "who hands a lease over gives the key back",
		Breaks: breaks(check.H3),
		Edits:  []Edit{{end, "	if c.borrowed() || c.reason == HandedOver && s.left {\n", "	if c.borrowed() {\n"}},
	},
	{
		Name:   "stray-listed",
		Why:    "a node is listed that may yet be given the key by a late request of the first holder",
		Breaks: breaks(check.I9),
		Edits:  []Edit{{resume, "s.established <= c.good && s.op != Ask && !s.doubt", "s.established <= c.good && s.op != Ask"}},
		Rare:   true,
	},
	{
		Name:   "hand-over-unguarded",
		Why:    "a restarted node votes at once for a lease that was handed over",
		Breaks: breaks(check.I6),
		Edits:  []Edit{{simGuard, " && f.op != core.Resume ||", " ||"}},
	},
	{
		Name:   "evict-by-name",
		Why:    "a lock is taken by force from whoever holds it by then",
		Breaks: breaks(check.F1),
		Edits: []Edit{{
			modelLook,
			"seen := held && (holder.Text == value || strings.HasPrefix(value, format) && holder.Text == marked(value))",
			"seen := held && value != \"\" && !IsReservation(holder.Text)",
		}},
	},
	{
		Name:   "evict-undeleted",
		Why:    "a lock is taken by force by telling its holder so, who is left to give it back",
		Breaks: breaks(check.F2),
		Edits:  []Edit{{modelLook, "		r.must(\"DEL\", key)\n", ""}},
	},
	{
		Name:   "evict-unraised",
		Why:    "a key that is taken by force leaves the register as it was",
		Breaks: breaks(check.F3),
		Edits:  []Edit{{modelLook, "if r.must(\"ZADD\", register, \"GT\", \"CH\", token, member).Int == 0 {", "if token == \"\" {"}},
	},
}
