package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// words is what is left of a line.
type words struct {
	list []string
	err  error
}

func (p *words) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *words) next() string {
	if len(p.list) == 0 {
		p.fail("the line ends too early")
		return ""
	}
	w := p.list[0]
	p.list = p.list[1:]
	return w
}

// is takes the next word if it is that one.
func (p *words) is(word string) bool {
	if len(p.list) == 0 || p.list[0] != word {
		return false
	}
	p.list = p.list[1:]
	return true
}

func (p *words) must(word string) {
	if w := p.next(); w != word {
		p.fail("%q where %q belongs", w, word)
	}
}

func (p *words) duration() time.Duration {
	w := p.next()
	d, err := time.ParseDuration(w)
	if err != nil {
		p.fail("%q is no time", w)
	}
	return d
}

func (p *words) number(w string) int64 {
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		p.fail("%q is no number", w)
	}
	return n
}

func (p *words) suffixed(suffix string) int64 {
	w := p.next()
	n, ok := strings.CutSuffix(w, suffix)
	if !ok {
		p.fail("%q does not end with %q", w, suffix)
	}
	return p.number(n)
}

func (p *words) key() int {
	name, _ := strings.CutPrefix(p.next(), "k")
	key := int(p.number(name)) - 1
	if key < 0 {
		p.fail("keys are k1, k2 and so on")
	}
	return key
}

func (p *words) client() int {
	w := p.next()
	if len(w) == 1 && w[0] >= 'A' && w[0] <= 'Z' {
		return int(w[0] - 'A')
	}
	if w == "*" {
		return Any
	}
	p.fail("%q is no client: those are A, B, C and so on", w)
	return 0
}

func (p *words) node() int {
	w := p.next()
	if w == "*" {
		return Any
	}
	n := int(p.number(w)) - 1
	if n < 0 {
		p.fail("%q is no node: those are 1, 2, 3 and so on", w)
	}
	return n
}
