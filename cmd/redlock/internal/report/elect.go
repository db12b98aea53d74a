package report

import "fmt"

// What happens to an election.

// Elected tells that we lead: the command is about to run.
type Elected struct {
	Key      string `json:"key"`
	Token    uint64 `json:"token"`
	Deadline Stamp  `json:"deadline"` // when the lease ends unless it is extended
	Waited   Millis `json:"waited_ms"`
}

func (Elected) name() string { return "elected" }

func (e Elected) words(bool) []string {
	return []string{fmt.Sprintf("elected leader of %q after %v, token %d", e.Key, e.Waited, e.Token)}
}

// Standing tells that we lead no more, nothing of the command runs, and we stand for
// election again.
type Standing struct {
	Key string `json:"key"`
}

func (Standing) name() string { return "standing" }

func (e Standing) words(bool) []string {
	return []string{fmt.Sprintf("the command has ended; standing for election of %q again", e.Key)}
}

// Unknown tells that too few nodes answer to tell who leads.
type Unknown struct {
	Key   string        `json:"key"`
	Need  int           `json:"need"`
	Got   int           `json:"got"`
	Nodes []NodeTrouble `json:"nodes,omitempty"`
}

func (Unknown) name() string { return "unknown" }

func (e Unknown) words(bool) []string {
	b := Blocked{Reason: ReasonNoQuorum, Need: e.Need, Got: e.Got, Nodes: e.Nodes}
	return b.words(fmt.Sprintf("who leads %q is not known", e.Key))
}
