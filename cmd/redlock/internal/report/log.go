package report

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// Warnings returns a slog handler that tells the library's warnings as ours.
func Warnings(r *Reporter) slog.Handler { return warnings{reporter: r} }

type warnings struct {
	reporter *Reporter
	attrs    []slog.Attr
}

// Enabled leaves out what is below a warning, unless we are to be verbose.
func (w warnings) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || w.reporter.style.Verbose && level >= slog.LevelInfo
}

// Handle tells "message: node: cause", or with the names of the attributes
// where they are others.
func (w warnings) Handle(_ context.Context, record slog.Record) error {
	words := []string{strings.TrimPrefix(record.Message, "redlock: ")}
	add := func(a slog.Attr) bool {
		if a.Key == "node" || a.Key == "cause" {
			words = append(words, a.Value.String())
		} else {
			words = append(words, fmt.Sprintf("%s=%v", a.Key, a.Value))
		}
		return true
	}
	for _, a := range w.attrs {
		add(a)
	}
	record.Attrs(add)
	text := strings.Join(words, ": ")
	if record.Level < slog.LevelWarn {
		w.reporter.Tell(Note{Message: text})
	} else {
		w.reporter.Tell(Warning{Message: text})
	}
	return nil
}

// WithAttrs adds attributes to every record.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	w.attrs = append(w.attrs[:len(w.attrs):len(w.attrs)], attrs...)
	return w
}

// WithGroup is not needed for sentences.
func (w warnings) WithGroup(string) slog.Handler { return w }
