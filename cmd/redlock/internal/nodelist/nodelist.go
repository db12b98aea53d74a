// Package nodelist finds out which nodes are meant: from --nodes, or else from
// REDLOCK_NODES.
//
// No error of this package holds any part of what it was given: that may be a
// password, or half of one.
package nodelist

import (
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
)

// Env is the environment variable that lists the nodes.
const Env = "REDLOCK_NODES"

// Hint says how to name nodes.
const Hint = "use --nodes redis://host:port,… or " + Env + ", or --dev to try it out"

// List is the nodes that are meant.
type List struct {
	URLs []string

	// Exposed: a password stood in the command line, where every user of the
	// machine can read it.
	Exposed bool
}

// Find returns the nodes of the --nodes flags, and if there are none those of
// the environment variable. Each value is one or more URLs with commas between
// them; the variable may have spaces and line ends too. "@FILE" stands for the
// URLs in a file, one or more a line, where # begins a comment.
//
// The URLs are not checked here. The error is an *exit.Error.
func Find(flags []string, env string) (List, error) {
	var list List
	for _, value := range flags {
		for item := range strings.SplitSeq(value, ",") {
			item = strings.TrimSpace(item)
			if err := list.add(item, "--nodes"); err != nil {
				return List{}, err
			}
			list.Exposed = list.Exposed || hasPassword(item)
		}
	}
	if len(flags) > 0 {
		return list, nil
	}
	for _, item := range split(env) {
		if err := list.add(item, Env); err != nil {
			return List{}, err
		}
	}
	if len(list.URLs) == 0 {
		return List{}, exit.Failuref(Hint, "no nodes are given")
	}
	return list, nil
}

func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// add adds a URL or the URLs of a file.
func (l *List) add(item, from string) error {
	if file, ok := strings.CutPrefix(item, "@"); ok {
		return l.addFile(file, from)
	}
	if err := l.addURL(item); err != nil {
		return exit.Failuref(commaHint, "%s: node %d %w", from, len(l.URLs)+1, err)
	}
	return nil
}

const commaHint = "a node is redis://host:port, rediss://host:port or unix:///path; in a password, a comma is written %2C, and @ as %40"

func (l *List) addURL(item string) error {
	switch {
	case item == "":
		return fmt.Errorf("is empty")
	case !strings.Contains(item, "://"):
		return fmt.Errorf("is no URL")
	}
	l.URLs = append(l.URLs, item)
	return nil
}

func (l *List) addFile(name, from string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return exit.Failuref("", "%s: %w", from, err)
	}
	before := len(l.URLs)
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line, _, _ = strings.Cut(" "+strings.TrimSpace(line), " #")
		for _, item := range split(line) {
			if err := l.addURL(item); err != nil {
				return exit.Failuref(commaHint, "%s, line %d: node %d %w", name, number, len(l.URLs)-before+1, err)
			}
		}
	}
	if len(l.URLs) == before {
		return exit.Failuref("", "%s: %s lists no nodes", from, name)
	}
	return nil
}

// hasPassword reports whether the URL has one, also if it is not written as it
// should be: better one warning too many.
func hasPassword(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	user, _, ok := cutLast(rest, "@")
	_, password, _ := strings.Cut(user, ":")
	return ok && password != ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
