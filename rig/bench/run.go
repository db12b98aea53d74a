package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// run is a run of the benchmark.
type run struct {
	Options
	result     *Result
	etcd       *etcdServer // nil if there is none
	etcdAbsent string      // why
	crew       workers     // the processes of S4, none until they are needed
	began      time.Time
}

// Run measures everything that the options ask for. After an error, what was
// measured until then is returned as well.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &run{Options: o, result: &Result{Settings: o.Settings}, began: time.Now()}
	r.result.Machine = machine(r.began)
	for _, c := range o.Contestants {
		r.result.Contestants = append(r.result.Contestants, about(c))
	}
	if slices.ContainsFunc(o.Contestants, func(c contestant.Contestant) bool { return c.Etcd }) {
		r.startEtcd()
	}
	err := r.all(ctx)
	r.crew.close()
	if r.etcd != nil {
		r.result.Machine.Etcd = r.etcd.version
		err = errors.Join(err, r.etcd.close())
	}
	r.result.Machine.LoadAfter = load()
	r.result.Took = time.Since(r.began).Round(time.Second).String()
	r.result.Targets = Targets(r.result)
	return r.result, err
}

func (r *run) all(ctx context.Context) error {
	type part struct {
		Scenario
		nodes int
	}
	var parts []part
	for _, s := range Scenarios() {
		if len(r.Scenarios) > 0 && !slices.Contains(r.Scenarios, s.ID) {
			continue
		}
		for _, nodes := range s.Nodes {
			if len(r.Nodes) == 0 || slices.Contains(r.Nodes, nodes) {
				parts = append(parts, part{s, nodes})
			}
		}
	}
	for i, p := range parts {
		fmt.Fprintf(r.Words, "%5.0f s  %2d of %d  %-3s N=%d  %s ", time.Since(r.began).Seconds(), i+1, len(parts), p.ID, p.nodes, p.Title)
		err := p.run(r, ctx, p.nodes)
		fmt.Fprintln(r.Words)
		if err != nil {
			return fmt.Errorf("%s, N=%d: %w", p.ID, p.nodes, err)
		}
	}
	return nil
}

// step tells that something has been measured.
func (r *run) step() { fmt.Fprint(r.Words, ".") }

func about(c contestant.Contestant) About {
	a := About{Name: c.Name, Label: c.Label, Ours: c.Ours, Settings: c.Settings, Modules: make(map[string]string)}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return a
	}
	for _, m := range info.Deps {
		if slices.Contains(c.Modules, m.Path) {
			a.Modules[m.Path] = m.Version
		}
	}
	return a
}

func machine(began time.Time) Machine {
	gogc := os.Getenv("GOGC")
	if gogc == "" {
		gogc = "100 (the default)"
	}
	return Machine{
		When: began.UTC().Format("2006-01-02 15:04 UTC"), OS: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuModel(),
		Cores: runtime.NumCPU(), Go: runtime.Version(), Server: serverVersion(), LoadBefore: load(), GOGC: gogc,
	}
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// load is the system's load average of the last minute, 0 if it does not tell.
func load() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

func serverVersion() string {
	out, _ := exec.Command("redis-server", "--version").Output()
	for _, word := range strings.Fields(string(out)) {
		if version, ok := strings.CutPrefix(word, "v="); ok {
			return "redis-server " + version
		}
	}
	return "redis-server"
}
