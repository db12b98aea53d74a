package report

import (
	"fmt"
	"strings"
)

// What is said beside that.

// Warning tells that something is not as it should be, and that we go on.
type Warning struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (Warning) name() string { return "warning" }

func (e Warning) words(bool) []string { return hinted([]string{"warning: " + e.Message}, e.Hint) }

// Error tells why it ends here.
type Error struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (Error) name() string { return "error" }

func (e Error) words(bool) []string {
	lines := strings.Split(e.Message, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "redlock: ") // the library says it too
	}
	return hinted(lines, e.Hint)
}

// Note is words for people that are no event of the lock.
type Note struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (Note) name() string { return "note" }

func (e Note) words(bool) []string { return hinted([]string{e.Message}, e.Hint) }

// Exit is our last word: the status that we exit with.
type Exit struct {
	Status int `json:"status"`
}

func (Exit) name() string { return "exit" }

func (e Exit) words(verbose bool) []string {
	return ifVerbose(verbose, fmt.Sprintf("exit status %d", e.Status))
}
