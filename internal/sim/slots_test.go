package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Twenty processes want one of ten slots, again and again. Several slots become free at once,
// in another order on each node; still a waiter is handed one in one attempt, which is the
// second after the one that made it wait.
func TestHandOversOfSlots(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Ten slots.\n\nnodes 5\nttl 10s\npushes\nlatency 300µs..1500µs\n")
	for i := range 20 {
		fmt.Fprintf(&b, "client %c\n", 'A'+i)
	}
	b.WriteString("\n")
	for n := range 60 {
		for i := range 20 {
			fmt.Fprintf(&b, "at %v %c acquire k1 hold 1ms slots 10\n", 6*time.Second+time.Duration(n)*time.Microsecond, 'A'+i)
		}
	}
	b.WriteString("end 30s\n\nexpect none\n")
	s, err := Parse(b.String())
	if err != nil {
		t.Fatal(err)
	}
	r := Run(s, false)
	for _, v := range r.Violations {
		t.Error(v)
	}
	if n := r.Stats.Acquisitions; n != 1200 {
		t.Errorf("%d acquisitions of 1200", n)
	}
	if each := float64(r.Stats.Attempts) / float64(r.Stats.Acquisitions); each > 2.4 {
		t.Errorf("%.2f attempts each", each)
	}
}
