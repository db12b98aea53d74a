package fault

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
)

// TestNemesisKeepsItsBoundAndMakesAllGoodAgain: never more nodes in trouble than
// allowed, and none when Run has returned, also when it is cut short.
func TestNemesisKeepsItsBoundAndMakesAllGoodAgain(t *testing.T) {
	c, err := cluster.Start(cluster.Options{Proxied: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	n := Nemesis{
		Cluster: c, Most: 2, Every: 10 * time.Millisecond, Seed: 1,
		Draw: func(r *rand.Rand) Fault {
			d := time.Duration(10+r.IntN(40)) * time.Millisecond
			return []Fault{
				Kill{Away: d, Quarantine: d},
				Restart{},
				Freeze{For: d},
				Net{Name: "silent", Do: (*cluster.Proxy).Silence, For: d},
				Net{Name: "resetting", Do: (*cluster.Proxy).Reset, For: 10 * d}, // cut short by the end at times
			}[r.IntN(5)]
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	events, err := n.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	down, most := map[int]bool{}, 0
	for _, e := range events {
		switch e.What {
		case "killed", "frozen", "silent", "resetting":
			down[e.Node] = true
		default:
			delete(down, e.Node)
		}
		most = max(most, len(down))
	}
	if most != 2 {
		t.Errorf("%d nodes in trouble at once, at most; wanted just 2", most)
	}
	for _, node := range c.Nodes {
		if _, err := node.DoAll(time.Second, []string{"PING"}); err != nil {
			t.Errorf("not made good again: %v", err)
		}
		if node.Proxy.Faulty() {
			t.Errorf("the proxy of node %d is not healed", node.Index)
		}
	}
	if count := Count(events); count["killed"] == 0 || count["killed"] != count["restarted empty"]+count["restarted"] {
		t.Errorf("events: %v", count)
	}
}
