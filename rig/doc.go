// Package rig is where the lock meets real servers, real processes and real
// faults. It is a module of its own and is never tagged, so that what it needs
// (toxiproxy, other lock libraries) reaches nobody's program.
//
//	cluster/   redis-servers as processes, a proxy before each: kill, freeze, restart, cut off
//	fault/     faults as values, and the nemesis that draws them from a seed
//	traffic/   work that loses updates if the lock does not hold
//	check/     what must not be in the workers' logs
//	report/    what happened, for people
//	peer/      the other lock libraries, as their documentation shows them
//	bench/     what a lock costs, beside other libraries
//	interop/   other libraries' clients at the same key, those for Node.js too
//	clock/     one clock for all processes of the machine
//
// The tests in this folder show, each by its name, that the lock holds where its
// peers do not (TestRS1… to TestRU1…), that a minority of dead or frozen nodes does
// not matter and a majority is named (TestMinorityLost, TestMajorityLost), that
// a cancelled call leaves nothing (TestCancel…), and that eight processes under
// faults lose no update (TestEightProcessesUnderFaults; RIG_SOAK=60s for the full
// minute, RIG_SEED to repeat one, RIG_REPORT=FILE for the report).
//
// What all this costs, against its peers and a floor, is measured by cmd/bench: see
// package bench.
package rig
