package report

import "fmt"

// What happens to a lease that no process holds.

// GivenBack tells that "redlock release" gave the lock back.
type GivenBack struct {
	Key   string `json:"key"`
	Token uint64 `json:"token"`
}

func (GivenBack) name() string { return "given_back" }

func (e GivenBack) words(verbose bool) []string {
	return ifVerbose(verbose, fmt.Sprintf("released %q", e.Key))
}

// Gone tells that the lease of a text is over, or another's.
type Gone struct {
	Key    string `json:"key"`
	Detail string `json:"detail"`
}

func (Gone) name() string { return "gone" }

func (e Gone) words(bool) []string {
	return []string{fmt.Sprintf("the lease of %q is over, or another has it", e.Key), "  " + e.Detail}
}

// NoQuorum tells that too few nodes answered to do anything with the lease, which is as it was.
type NoQuorum struct {
	Key string `json:"key"`
	Blocked
}

func (NoQuorum) name() string { return "no_quorum" }

func (e NoQuorum) words(bool) []string {
	return e.Blocked.words(fmt.Sprintf("the lease of %q is as it was", e.Key))
}
