package mutants

import "github.com/redlock-go/redlock/internal/check"

// ofQueue are bugs of the queues, and of leases that pass within a process.
//
// The release of a lost attempt that takes its waiter out of the queue although the key is
// not its own any more (release.lua without its look at "stays") is not among them. Where a request was given
// up its node is suspected, and the release is owed: late-debt is that. What is left is
// a grant of a minority that comes after a TTL, where its place was needed.
var ofQueue = []Mutant{
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
		Name:   "frozen-once",
		Why:    "who waits for the end of a reservation does not look where a key ends before that",
		Breaks: breaks(check.I7),
		Rare:   true,
		Edits:  []Edit{{wait, "			at = w.ending(at) + ", "			at = max(at, w.ending(at)) + "}},
	},
	{
		Name:   "late-debt",
		Why:    "a release that is owed takes the waiter of a lost attempt out of the queue, when it is paid",
		Breaks: breaks(check.I7),
		Rare:   true,
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
}
