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
	{
		Name:   "evict-slot-by-number",
		Why:    "a slot is taken by force from whoever has it by then",
		Breaks: breaks(check.F1),
		Edits: []Edit{
			{modelLook, "		if other, taken := s.holderOf(integer(slot)); taken && other != value && !IsReservation(other) {\n", "		if other, taken := s.holderOf(integer(slot)); taken && !IsReservation(other) {\n			value, args[0] = other, other\n		}\n		if other, taken := s.holderOf(integer(slot)); taken && other != value && !IsReservation(other) {\n"},
		},
	},
	{
		Name:   "evict-share-unraised",
		Why:    "a slot, or a reader's part, that is taken by force leaves the register as it was",
		Breaks: breaks(check.F3),
		Edits: []Edit{
			{modelLook, "		refusal, _ := r.above(keys[3], token, retention, slot)\n", "		refusal, _ := resp.Reply{}, token+retention\n"},
			{modelLook, "		refusal, _ := r.above(keys[3], token, retention, member)\n", "		refusal, _ := resp.Reply{}, token+retention\n"},
		},
	},
	{
		Name:   "evict-all-readers",
		Why:    "who takes it from one reader takes it from all",
		Breaks: breaks(check.F1),
		Edits:  []Edit{{modelLook, "	return r.readRelease(keys, args)\n", "	r.must(\"DEL\", keys[2])\n	r.must(\"DEL\", keys[0])\n	return resp.OfInt(1)\n"}},
	},
}
