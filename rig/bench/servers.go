package bench

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
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

// calls is how often each command was executed, also by scripts.
type calls map[string]float64

// callsOf adds up the nodes that answer.
func callsOf(nodes []*cluster.Node) calls {
	total := make(calls)
	for _, n := range nodes {
		if !n.Running() {
			continue
		}
		replies, err := n.DoAll(2*time.Second, []string{"INFO", "commandstats"})
		if err != nil || replies[0].Kind == resp.Error {
			continue
		}
		total.read(replies[0].Text)
	}
	return total
}

// read adds what INFO commandstats says: "cmdstat_get:calls=5,usec=…".
func (c calls) read(info string) {
	for line := range strings.Lines(info) {
		name, rest, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "cmdstat_"), ":calls=")
		if !found {
			continue
		}
		number, _, _ := strings.Cut(rest, ",")
		if n, err := strconv.ParseFloat(number, 64); err == nil && !ourOwn(name) {
			c[name] += n
		}
	}
}

// ourOwn tells the commands by which the benchmark itself asks.
func ourOwn(name string) bool { return name == "info" || name == "monitor" }

// since is what came after before.
func (c calls) since(before calls) (all, scripts float64) {
	for name, n := range c {
		n -= before[name]
		all += n
		switch name {
		case "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro":
			scripts += n
		}
	}
	return all, scripts
}

// monitor watches how many commands a script calls, on average: INFO counts those
// along with what clients sent, and does not tell them apart. MONITOR does, and
// slows the server, so nothing is timed meanwhile.
type monitor struct {
	conns   []net.Conn
	reading sync.WaitGroup
	mu      sync.Mutex
	scripts float64
	inner   float64
}

func watch(nodes []*cluster.Node) (*monitor, error) {
	m := &monitor{}
	for _, n := range nodes {
		conn, err := net.DialTimeout("unix", n.Socket(), 2*time.Second)
		if err != nil {
			return nil, errors.Join(err, m.stop())
		}
		m.conns = append(m.conns, conn)
		if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
			return nil, errors.Join(err, m.stop())
		}
		in := bufio.NewReaderSize(conn, 1<<16)
		if line, err := in.ReadString('\n'); err != nil || line != "+OK\r\n" {
			return nil, errors.Join(fmt.Errorf("MONITOR: %q: %w", line, err), m.stop())
		}
		m.reading.Go(func() {
			var scripts, inner float64
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					break
				}
				s, i := monitored(line)
				scripts, inner = scripts+s, inner+i
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.scripts, m.inner = m.scripts+scripts, m.inner+inner
		})
	}
	return m, nil
}

// monitored says whether a line of MONITOR is the call of a script, or a call by
// one: `+1339518083.107412 [0 127.0.0.1:60866] "EVALSHA" …`, `[0 lua] "get" …`.
func monitored(line string) (script, inner float64) {
	_, rest, found := strings.Cut(line, " [")
	if !found {
		return 0, 0
	}
	from, command, found := strings.Cut(rest, "] \"")
	if !found {
		return 0, 0
	}
	if strings.HasSuffix(from, " lua") {
		return 0, 1
	}
	command, _, _ = strings.Cut(strings.ToLower(command), "\"")
	if strings.HasPrefix(command, "eval") || strings.HasPrefix(command, "fcall") {
		return 1, 0
	}
	return 0, 0
}

func (m *monitor) stop() error {
	var errs []error
	for _, c := range m.conns {
		errs = append(errs, c.Close())
	}
	m.reading.Wait()
	return errors.Join(errs...)
}

// perScript is how many commands a script called.
func (m *monitor) perScript() float64 {
	if m.scripts == 0 {
		return 0
	}
	return m.inner / m.scripts
}
