package mutants

import "github.com/redlock-go/redlock/internal/check"

const (
	slot       = "internal/core/claim_slot.go"
	kindSlots  = "internal/script/slots.go"
	modelSlots = "internal/script/model_slots.go"
)

// ofSlots are bugs that only semaphores can have.
var ofSlots = []Mutant{
	{
		Name:   "permits-counted",
		Why:    "a permit of a node is as good as any other: each of five nodes has three, and five have a majority",
		Breaks: breaks(check.I1),
		Edits:  []Edit{{kindSlots, "Accepted: second == 1, Slot: int(third)}", "Accepted: second == 1, Slot: int(third - third)}"}},
	},
	{
		Name:   "stray-counted",
		Why:    "what a node granted of another slot counts as a vote",
		Breaks: breaks(check.I1),
		Edits: []Edit{
			{reply, "		case s.ballot == yes && (s.slot == slot || c.phase != asking): // see move\n", "		case s.ballot == yes && slot >= AnySlot:\n"},
			{slot, "s.established != none && s.slot != slot {", "s.established != none && s.slot != slot && slot < AnySlot {"},
		},
	},
	{
		Name:   "stray-kept",
		Why:    "what a node granted of another slot is forgotten, and not given back",
		Breaks: breaks(check.I5, check.I7, check.I8),
		Edits:  []Edit{{slot, "	s.established, s.doubt, s.ballot = none, true, no\n	if told {\n", "	s.established, s.doubt, s.ballot = none, told, no\n	if !told {\n"}},
	},
	{
		Name:   "slots-never-back",
		Why:    "the slot of a holder that died does not come back: what has expired is not looked for",
		Breaks: breaks(check.I5, check.I7, check.I8),
		Edits:  []Edit{{modelSlots, "\"-inf\", \"(\"+itoa(s.now), \"BYSCORE\"", "\"-inf\", \"(\"+itoa(0*s.now), \"BYSCORE\""}},
	},
	{
		Name:   "limit-ignored",
		Why:    "a slot is reserved for the first that waits, although it goes by fewer slots",
		Breaks: breaks(check.I1, check.I7),
		Edits:  []Edit{{modelSlots, "		if int64(slotsOf(Waiter(waiter))) <= slot {\n", "		if int64(slotsOf(Waiter(waiter))) < 0*slot {\n"}},
	},
	{
		Name:   "slot-unserved",
		Why:    "a slot that is given back is left for anybody who comes by",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelSlots, "			if freed != nobody && s.bequeath(freed, \"\") {\n", "			if freed != nobody && waiter < \"\" && s.bequeath(freed, \"\") {\n"}},
	},
}
