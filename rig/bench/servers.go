package bench

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// cpuOf is the processor time that a process has used so far.
func cpuOf(pid int) time.Duration {
	// As clock_getcpuclockid(3) makes it; 2 is the scheduler's clock, in ns.
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0 // it has ended
	}
	return time.Duration(ts.Nano())
}

// cpuOfSelf is that of this process, all its threads.
func cpuOfSelf() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// settle waits, for a moment, until the nodes have executed what is still on its way
// to them: what returns at a majority leaves something.
func settle(nodes []*cluster.Node) {
	before, asked := executed(nodes)
	for range 20 {
		time.Sleep(time.Millisecond)
		now, n := executed(nodes)
		if now-before <= asked { // our own questions
			return
		}
		before, asked = now, n
	}
}

// executed is how many commands the nodes have executed so far, those that scripts
// call as well, and how many nodes answered.
func executed(nodes []*cluster.Node) (commands, answered int) {
	for _, n := range nodes {
		if !n.Running() {
			continue
		}
		replies, err := n.DoAll(2*time.Second, []string{"INFO", "stats"})
		if err != nil || replies[0].Kind == resp.Error {
			continue
		}
		answered++
		_, after, _ := strings.Cut(replies[0].Text, "total_commands_processed:")
		number, _, _ := strings.Cut(after, "\r\n")
		count, _ := strconv.Atoi(number)
		commands += count
	}
	return commands, answered
}
