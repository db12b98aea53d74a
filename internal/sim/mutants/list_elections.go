package mutants

import "github.com/redlock-go/redlock/internal/check"

const (
	watch       = "internal/core/watch.go"
	simTurns    = "internal/sim/turns.go"
	simElection = "internal/sim/election.go"
)

// anyNote takes the note that fits the key, whatever newer ones say.
const anyNote = `	for i := range sights {
		if s := &sights[i]; s.Elected == holder {
			newest = Lead{Value: holder, Term: s.Term}
		}
	}
	if newest.Value != holder {
`

// ofElections are bugs of those who watch an election, and of what they are told.
var ofElections = []Mutant{
	{
		Name:   "minority-leads",
		Why:    "who has the key on most of the nodes that have one is taken for the leader: an old leader is, whose key is left on a few",
		Breaks: breaks(check.E3),
		Edits: []Edit{
			{watch, "	case most < need && most+silent >= need:\n", "	case most == 0 && silent >= need:\n"},
			{watch, "	case most < need:\n", "	case most == 0:\n"},
			{watch, "	return rest[len(rest)-need]\n", "	return rest[max(0, len(rest)-need)]\n"},
			{watch, "	if newest.Value != holder {\n", anyNote},
		},
	},
	{
		Name:   "push-believed",
		Why:    "a push is taken for the truth: who it says was elected is the leader, and who it says has resigned is none",
		Breaks: breaks(check.E2, check.E3, check.E4),
		Edits: []Edit{
			{watch, "	told    bool // lead was reported", "	pushed  bool\n	heard   uint64\n	told    bool // lead was reported"},
			{watch, "	w.wake(now)\n}\n\n// Rejoin", "	w.wake(now)\n	w.pushed, w.heard = true, term\n	if !elected {\n		w.heard = 0\n	}\n}\n\n// Rejoin"},
			{watch, "	if finding == Led && lead.Term < w.highest {\n", "	if w.pushed {\n		w.pushed, finding, lead = false, Led, Lead{Term: w.heard}\n	}\n	if finding == Led && lead.Term < w.highest && false {\n"},
		},
	},
	{
		Name:   "leader-awaited",
		Why:    "who watches waits for pushes only, and never looks whether the leader is still there",
		Breaks: breaks(check.E4),
		Edits:  []Edit{{watch, "		at = min(at, now+remaining+time.Millisecond+time.Duration(random*float64(w.rules.Grace)))\n	}\n	w.wake(at)\n", "		at = min(at, now+remaining+time.Millisecond+time.Duration(random*float64(w.rules.Grace)))\n	}\n	w.wake(at + Never/2)\n"}},
	},
	{
		Name:   "leader-passes",
		Why:    "a leader's lease passes to one in its process who did not stand for election, and whose release tells nobody",
		Breaks: breaks(check.E4),
		Rare:   true,
		Edits:  []Edit{{simTurns, "	if t == nil || c.lost != nil || o.term != nil ||", "	if t == nil || c.lost != nil ||"}},
	},
	{
		Name:   "old-term",
		Why:    "the note of any node is taken for the newest, and an old leader's key that rises again makes it the leader again",
		Breaks: breaks(check.E2),
		Edits: []Edit{
			{watch, "	if newest.Value != holder {\n", anyNote},
			{watch, "	if finding == Led && lead.Term < w.highest {\n", "	if finding == Led && lead.Term < w.highest && w.need < 0 {\n"},
		},
	},
	{
		Name:   "note-unkept",
		Why:    "a leader says once that it was elected, and not again before the nodes forget it",
		Breaks: breaks(check.E4),
		Edits:  []Edit{{simElection, "		if noted < o.proc.terms.Need {\n", "		if pause += 1000 * time.Hour; noted < o.proc.terms.Need {\n"}},
	},
	{
		Name:   "push-missed",
		Why:    "what is pushed while one looks is forgotten, though the reading may have been before it",
		Breaks: breaks(check.E4),
		Edits:  []Edit{{watch, "func (w *Watch) wake(at Time) { w.next = min(w.next, at) }\n", "func (w *Watch) wake(at Time) { w.next = at }\n"}},
	},
}
