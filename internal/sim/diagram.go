package sim

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redlock-go/redlock/internal/check"
)

// Diagram draws what happened in a run, time going down: a column for each client,
// one for each node, with who holds its keys. It shows at most so many lines, the
// last ones before and a few after the first violation; without one, the first.
func Diagram(s *Scenario, r *Result, most int) string {
	rows := window(brief(merge(r.Rows, r.Violations)), most)
	wide := make([]int, len(s.Nodes))
	texts := 24
	for r := range rows {
		row := &rows[r]
		switch {
		case row.Client < 0 || row.Text == "":
		case row.Text[0] == '#':
			row.Text = clientName(row.Client) + row.Text
		default:
			row.Text = clientName(row.Client) + " " + row.Text
		}
		texts = max(texts, utf8.RuneCountInString(row.Text))
		for i, n := range row.Node {
			wide[i] = max(wide[i], len(n), 3)
		}
	}
	texts = min(texts, 74)
	var b strings.Builder
	head := fmt.Sprintf("%12s ", "time")
	for i := range s.Clients {
		head += " " + clientName(i)
	}
	head += fmt.Sprintf("  %-*s", texts, "")
	for i := range s.Nodes {
		head += fmt.Sprintf("  %-*s", wide[i], "n"+nodeName(i))
	}
	b.WriteString(strings.TrimRight(head, " "))
	b.WriteByte('\n')
	for _, row := range rows {
		line := fmt.Sprintf("%12v ", row.At.Round(time.Microsecond))
		for _, m := range row.Machine {
			line += " " + string(rune(m))
		}
		line += fmt.Sprintf("  %-*s", texts, row.Text)
		for i, n := range row.Node {
			line += fmt.Sprintf("  %-*s", wide[i], n)
		}
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	b.WriteString("clients: | idle or waiting  # holds a valid lease  : stopped.  nodes: whose value each key holds; '.' nobody's\n")
	return b.String()
}

// merge puts the violations among the rows.
func merge(rows []Row, violations []check.Violation) []Row {
	var all []Row
	for _, row := range rows {
		for len(violations) > 0 && violations[0].At < row.At {
			all = append(all, violation(violations[0], all))
			violations = violations[1:]
		}
		all = append(all, row)
	}
	for _, v := range violations {
		all = append(all, violation(v, all))
	}
	return all
}

func violation(v check.Violation, before []Row) Row {
	row := Row{At: v.At, Client: -1, Text: "!!! " + string(v.Invariant) + " is violated"}
	if n := len(before); n > 0 {
		row.Machine, row.Node = before[n-1].Machine, before[n-1].Node
	}
	return row
}

// brief leaves out most of what many attempts in a row do that come to nothing.
func brief(rows []Row) []Row {
	const first, last = 4, 3
	var all []Row
	for i := 0; i < len(rows); {
		end := i
		for end < len(rows) && rows[end].Vain {
			end++
		}
		switch {
		case end == i:
			all = append(all, rows[i])
			i++
		case end-i <= first+last+1:
			all = append(all, rows[i:end]...)
			i = end
		default:
			all = append(all, rows[i:i+first]...)
			asked := 0
			for _, row := range rows[i+first : end-last] {
				if strings.Contains(row.Text, " asks ") {
					asked++
				}
			}
			gap := rows[end-last-1]
			gap.Client, gap.Text = -1, fmt.Sprintf("... and so on, %d attempts", asked)
			all = append(all, gap)
			all = append(all, rows[end-last:end]...)
			i = end
		}
	}
	return all
}

// window is the part of a long story that matters.
func window(rows []Row, most int) []Row {
	if len(rows) <= most {
		return rows
	}
	end := most
	for i, row := range rows {
		if strings.HasPrefix(row.Text, "!!!") {
			end = min(len(rows), max(most, i+4))
			break
		}
	}
	return rows[end-most : end]
}
