package cli

import (
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/nodelist"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
	"github.com/redlock-go/redlock/rueidis"
)

// nodeFlags are the flags of all who talk to nodes.
type nodeFlags struct {
	nodes   []string
	dev     bool
	timeout time.Duration
	prefix  string
	json    bool
}

// register registers them, in the words of those who need nodes that are there when this
// process is not any more.
func (f *nodeFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.nodes, "nodes", nil, "the nodes: `URL`,URL,… or @FILE with a URL a line; may be repeated (default $REDLOCK_NODES)")
	flags.BoolVar(&f.dev, "dev", false, "use the cluster of \"redlock dev\"")
	flags.DurationVar(&f.timeout, "node-timeout", 0, "how long one node may take to answer, a quarter of the TTL at the most")
	flags.Lookup("node-timeout").DefValue = "a tenth of the TTL, at most 50ms"
	flags.BoolVar(&f.json, "json", false, "say what happens as JSON, an object a line, on stderr")
}

func (f *nodeFlags) registerPrefix(flags *pflag.FlagSet) {
	flags.StringVar(&f.prefix, "prefix", redlock.DefaultPrefix, "what stands before NAME in the key on the nodes")
}

// contradict finds what excludes each other.
func (f *nodeFlags) contradict() error {
	if f.dev && len(f.nodes) > 0 {
		return exit.Failuref("", "--dev and --nodes exclude each other")
	}
	return nil
}

// open opens the nodes that are there when this process is not any more.
func (f *nodeFlags) open(reporter *report.Reporter) ([]redlock.Node, error) {
	urls, err := f.urls(reporter)
	if err != nil {
		return nil, err
	}
	return rueidis.OpenAll(urls...)
}

func (f *nodeFlags) urls(reporter *report.Reporter) ([]string, error) {
	if !f.dev {
		return f.given(reporter)
	}
	state, ok := devcluster.Find()
	if !ok {
		return nil, exit.Failuref(`"redlock dev" in another terminal starts one`, "no dev cluster is up")
	}
	return state.URLs(), nil
}

// openOwn opens the nodes. With --dev, and if no cluster is up, they are one of this
// process: own is that, and to be closed.
func (f *nodeFlags) openOwn(reporter *report.Reporter, own **devcluster.Cluster) (nodes []redlock.Node, err error) {
	if _, up := devcluster.Find(); !f.dev || up {
		return f.open(reporter)
	}
	*own, err = devcluster.Start(devNodesDefault, devcluster.Mini)
	if err != nil {
		return nil, err
	}
	reporter.Tell(report.Note{
		Message: "no dev cluster is up, so this run has one of its own, and keeps out nobody",
		Hint:    `"redlock dev" in another terminal starts one for all`,
	})
	return rueidis.OpenAll((*own).URLs()...)
}

// given returns the nodes of the flags or the environment.
func (f *nodeFlags) given(reporter *report.Reporter) ([]string, error) {
	list, err := nodelist.Find(f.nodes, os.Getenv(nodelist.Env))
	if err != nil {
		return nil, err
	}
	if list.Exposed {
		reporter.Tell(report.Warning{
			Message: "a password on the command line can be read by every user of this machine",
			Hint:    "put the URLs into " + nodelist.Env + ", or into a file for --nodes @FILE",
		})
	}
	return list.URLs, nil
}
