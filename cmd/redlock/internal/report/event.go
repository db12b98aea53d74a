package report

import (
	"encoding/json"
	"time"
)

// timeFormat is RFC 3339 in UTC, to the millisecond.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Event is something that happened. The JSON form of each, with "time" and
// "event" in front, is a contract: cmd/redlock/README.md has it. Fields are only added.
type Event interface {
	name() string
	words(verbose bool) []string // the lines for people, none if it is not worth telling
}

// Millis is a duration that is a whole number of milliseconds in JSON.
type Millis time.Duration

// MarshalJSON writes the number.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(m).Milliseconds())
}

func (m Millis) String() string { return human(time.Duration(m)) }

// Stamp is a time that is RFC 3339 in JSON.
type Stamp time.Time

// MarshalJSON writes the time in UTC, to the millisecond.
func (s Stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(s).UTC().Format(timeFormat))
}

// human prints a duration as short as is of use.
func human(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < 10*time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(100 * time.Millisecond).String()
	}
}

func hinted(lines []string, hint string) []string {
	if hint != "" {
		lines = append(lines, "hint: "+hint)
	}
	return lines
}

func ifVerbose(verbose bool, line string) []string {
	if !verbose {
		return nil
	}
	return []string{line}
}
