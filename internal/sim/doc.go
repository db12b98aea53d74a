// Package sim is a deterministic world around the library's own core: clients,
// nodes, a network and their clocks, in true time that only the world knows. A
// run follows from its [Scenario] alone, and a scenario from its seed: the same
// seed gives the same run, event for event.
//
// What is real in it: core.Claim, core.Lane, core.Guard, core.Watch and core.Pace, the
// quorum arithmetic, every batch that is sent and every reply that is read
// (internal/script), and a node that executes them (script.Model, which the
// differential test holds against real servers).
//
// What is mirrored: the shell. The types process, lane, claim and operation here
// do what Locker, lane, claim and Acquire do in the root package, method by
// method and under the same names, with events where those have goroutines and
// timers. A change there has to be made here too. (The outbox is the one that does a
// little more here than there: see there.)
// What only puts a renewal off or brings it forward by moments is left out: the beat,
// the line and the stagger of renewals (alarms.go and renewals.go there).
//
// What is simulated:
//
//   - the network: connections that keep their order, one per client and node,
//     or a pool of them that does not; requests and replies that are late, lost,
//     repeated, or executed in part; connections that break, or go silent; links
//     that are cut one way or both;
//   - nodes that hang, that crash with all their data, with a part or with none,
//     that are promoted from a replica, or replaced; servers of different versions;
//   - clocks: everybody's runs at its own rate; wall clocks of clients are off
//     and jump;
//   - clients that stop between any two effects, for a while (a pause of the
//     process or of the machine: the library's clock goes on in both) or for
//     ever, or that run on while one of their goroutines does not;
//   - users who try, wait, give up, hold for shorter or longer than the lease
//     lasts, extend, release or just leave; and clients of another library, which know
//     of no queue;
//   - users who lead, and who watch elections;
//   - subscriptions that break, go silent and come back, and pushes that are late or
//     lost.
//
// Every run is checked by internal/check while it goes on. [Generate] keeps to
// the assumptions of the invariants, so that any violation is a bug; a scenario
// file may break them, and says so. Some accidents have to meet so closely that
// chance hardly ever brings them together: for those a world lies in ambush. [Shrink]
// makes a failing scenario small, and [Diagram] draws it.
//
// The files in testdata tell the classic stories: Kleppmann's pause, a clock that
// jumps, a restart without memory, a delayed packet, the naive token. Each says what
// is violated, mostly nothing, and by which deliberate bug of package mutants it would
// be; docs/GUARANTEES.md lists both by invariant.
//
//	go run ./internal/sim/cmd/sim internal/sim/testdata/amnesia.txt
//	go run ./internal/sim/cmd/mutants -story internal/sim/testdata/amnesia.txt
package sim
