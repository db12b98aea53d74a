package mutants

import "github.com/redlock-go/redlock/internal/check"

// ofHanding are bugs of leases that are handed over to another process.
var ofHanding = []Mutant{
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
}
