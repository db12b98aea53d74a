package bench

// TargetRow is a target of the project, beside what was measured.
type TargetRow struct {
	What    string  `json:"what"`
	Aim     string  `json:"aim"`
	Value   float64 `json:"value"`
	Got     string  `json:"got"`
	Peer    string  `json:"peer"` // the best of the others in the same run
	Reached bool    `json:"reached"`
}

// Targets holds the result against them.
func Targets(*Result) []TargetRow { return nil }
