package mutants

import "github.com/redlock-go/redlock/internal/check"

// ofTaking are bugs of taking over by force.
var ofTaking = []Mutant{
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
