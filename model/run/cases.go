package main

// Holds is the result of a search that visited every state and found no violation.
const Holds = "holds"

// Case is one search: a world, the model as it should be or one wrong variant of
// it, and the bounds, as the flags of redlock.pml.
type Case struct {
	Name     string
	Why      string // what is wrong with it; or what the search covers
	World    string
	Variant  string   // the flag of the variant, "" for the right model
	Bounds   []string // flags
	Expected string   // Holds, or "breaks " and the invariant
	Deep     bool     // takes more time or memory than a run of all should
}

func (c Case) flags() []string {
	flags := []string{"-DWORLD=" + c.World}
	if c.Variant != "" {
		flags = append(flags, "-D"+c.Variant)
	}
	for _, b := range c.Bounds {
		flags = append(flags, "-D"+b)
	}
	return flags
}

// The bounds that cases share.
var (
	plain   = []string{"EXTENDERS=0"}               // two clients that do not extend
	extends = []string{"EXTENDERS=1"}               // one of the two extends
	outcome = []string{"EXTENDERS=1", "CHECK_I6=0"} // the same, until I1 is broken itself
)

// Cases are all searches. The right models come first, as they take longest.
var Cases = []Case{
	{Name: "right", World: "MISTRUST", Bounds: extends, Expected: Holds, Why: "I9 where A's clock stands still and data is lost unnoticed"},
	{Name: "right", World: "CLOCKS", Bounds: extends, Expected: Holds, Why: "I1, I3, I4, I9 whatever the wall clocks say"},
	{Name: "right", World: "RESTARTS", Bounds: extends, Expected: Holds, Why: "I1, I6 with restarts without memory, extensions and repairs"},
	{Name: "right", World: "RESTARTS", Bounds: []string{"EXTENDERS=0", "CLIENTS=3"}, Expected: Holds, Why: "I1, I6 with three clients"},
	{Name: "right", World: "REGISTERS", Bounds: plain, Expected: Holds, Why: "I3, I6 where registers are lost and clocks differ"},
	{Name: "right", World: "CLOCKS", Bounds: []string{"EXTENDERS=2"}, Expected: Holds, Deep: true},
	{Name: "right", World: "RESTARTS", Bounds: []string{"EXTENDERS=2"}, Expected: Holds, Deep: true},
	{Name: "right", World: "RESTARTS", Bounds: []string{"EXTENDERS=1", "CLIENTS=3"}, Expected: Holds, Deep: true},

	{Name: "naive-token", World: "CLOCKS", Variant: "NAIVE_TOKEN", Bounds: plain, Expected: "breaks I3", Why: "a counter on each node, and the greatest count is the token"},
	{Name: "accept-anywhere", World: "CLOCKS", Variant: "ACCEPT_ANYWHERE", Bounds: plain, Expected: "breaks I3", Why: "nodes that refused the key may accept the token"},
	{Name: "late-validity", World: "CLOCKS", Variant: "LATE_VALIDITY", Bounds: []string{"EXTENDERS=0", "CHECK_I6=0"}, Expected: "breaks I1", Why: "validity counts from the last reply"},
	{Name: "same-value", World: "CLOCKS", Variant: "SAME_VALUE", Bounds: []string{"EXTENDERS=0", "CHECK_I6=0"}, Expected: "breaks I1", Why: "all attempts of a client share a value (I4)"},
	{Name: "blind-release", World: "CLOCKS", Variant: "BLIND_RELEASE", Bounds: []string{"EXTENDERS=0", "CHECK_I6=0"}, Expected: "breaks I1", Why: "a release deletes whatever is there (I4)"},
	{Name: "no-guard", World: "RESTARTS", Variant: "NO_GUARD", Bounds: []string{"EXTENDERS=0"}, Expected: "breaks I6", Why: "a node that restarted votes at once"},
	{Name: "no-guard", World: "RESTARTS", Variant: "NO_GUARD", Bounds: []string{"EXTENDERS=0", "CHECK_I6=0"}, Expected: "breaks I1", Why: "the same, and what comes of it"},
	{Name: "late-guard", World: "REGISTERS", Variant: "LATE_GUARD", Bounds: plain, Expected: "breaks I3", Why: "the quarantine need only be over when the reply is in hand"},
	{Name: "repaired-votes", World: "RESTARTS", Variant: "REPAIRED_VOTES", Bounds: outcome, Expected: "breaks I1", Why: "a node that was repaired votes at once (I9)"},
	{Name: "repaired-votes", World: "MISTRUST", Variant: "REPAIRED_VOTES", Bounds: extends, Expected: "breaks I9", Why: "the same, where data is lost unnoticed"},
	{Name: "extend-repairs", World: "MISTRUST", Variant: "EXTEND_REPAIRS", Bounds: extends, Expected: "breaks I9", Why: "the extension itself creates the key where it is absent"},
	{Name: "old-proof", World: "RESTARTS", Variant: "OLD_PROOF", Bounds: outcome, Expected: "breaks I1", Why: "a node's word that it holds the key never gets old (I9)"},

	{Name: "late-grants", World: "MISTRUST", Variant: "LATE_GRANTS", Bounds: extends, Expected: "breaks I9", Why: "a limit of the library, not a wrong variant: see README.md"},
}
