package mutants

import "github.com/redlock-go/redlock/internal/check"

// ofSeveral are bugs that only several keys at once can have.
var ofSeveral = []Mutant{
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
}
