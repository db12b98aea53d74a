package redlock

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/redlock-go/redlock/internal/quorum"
)

// Defaults and bounds of a [Config].
const (
	DefaultTTL            = 10 * time.Second
	LeastTTL              = 100 * time.Millisecond
	DefaultPrefix         = "redlock:"
	DefaultTokenRetention = 24 * time.Hour
	DefaultHandOvers      = 64

	// NoPrefix as Config.Prefix makes the name itself the key, to share
	// keys that have no common prefix with another Redlock client.
	NoPrefix = "\x00"

	// MaxName is the length of the longest name, in bytes; MaxOwner that of
	// the longest owner's label.
	MaxName  = 1024
	MaxOwner = 128

	mostNodeTimeout = 50 * time.Millisecond
	mostHandOvers   = 10_000
)

// Config says how a [Locker] works. The zero value of each field but Nodes is
// its default. [New] validates it as a whole; it is not read after that.
type Config struct {
	// Nodes are independent primaries: none replicates another. An odd number,
	// 5 or 3, is best. An even number, or a single node, works with a warning.
	// The Locker owns them: Close closes them.
	Nodes []Node

	// TTL is for how long a lease lasts if it is not renewed, and so how long
	// the lock stays taken after its holder crashed. At least LeastTTL; what
	// is below a millisecond is cut off.
	TTL time.Duration

	// NodeTimeout is how long one node is waited for. The default is TTL/10,
	// at most 50 ms: enough for nodes on one continent, and short against the
	// TTL, so that silent nodes cost nothing. It may be TTL/4 at the most. To a
	// node that has not been heard of yet it is longer, TTL/4 up to a second,
	// to leave time for connecting.
	NodeTimeout time.Duration

	// Prefix stands before each name in the key on the nodes. The default is
	// DefaultPrefix; for none at all say NoPrefix.
	Prefix string

	// Owner is the label that says who holds a lock: it travels with the value,
	// for ErrHeld and people to read. The default is "host/pid". At most
	// MaxOwner bytes of printable text.
	Owner string

	// LongestTTL is the longest TTL that any client uses on these nodes. A node
	// that restarted does not vote for that long, plus drift, as it may have
	// forgotten what it granted (I6). The default is this Config's TTL.
	LongestTTL time.Duration

	// Durable says that the nodes lose nothing when they restart, not even the
	// last write: "appendonly yes" with "appendfsync always". Then they vote at
	// once after a restart. If it is said and not so, two clients can hold one
	// lock.
	Durable bool

	// HandOvers is how many times in a row a lease may pass from one caller in this
	// process to the next, who waits in Acquire for the same lock, without asking the
	// nodes: each has a token of its own, reserved when the first got the lock.
	// It goes on for a tenth of a second at the most; callers in other processes wait for
	// that much longer. The default is DefaultHandOvers; -1 is for none.
	HandOvers int

	// Shared says that clients of other Redlock libraries want the same keys. They poll,
	// and a key that is handed over in our queue is never free when they ask: if our
	// clients keep it busy, the others get nothing. With Shared, for each second that the
	// lock is held, on average, it is left to them for half a second when it is released,
	// and whoever waits in the queue waits for that, too. A lock that is busy all the
	// time then does two thirds of the work. Say it in every program that uses those keys: where
	// only some do, the others get less.
	Shared bool

	// TokenRetention is for how long the nodes remember the last token of a key
	// that is not used any more. After that, tokens go on from the wall clock.
	TokenRetention time.Duration

	// Logger gets warnings: an even or single node list, a node that is
	// suspected, a lease that was lost. The default is slog.Default().
	Logger *slog.Logger
}

// withDefaults returns the configuration with the defaults filled in, or an
// error that names each field that is wrong.
func (c Config) withDefaults() (Config, error) {
	if c.TTL == 0 {
		c.TTL = DefaultTTL
	}
	if c.TTL >= LeastTTL {
		c.TTL = c.TTL.Truncate(time.Millisecond) // what PX can say, so that both sides count the same
	}
	if c.NodeTimeout == 0 {
		c.NodeTimeout = min(c.TTL/10, mostNodeTimeout)
	}
	switch c.Prefix {
	case "":
		c.Prefix = DefaultPrefix
	case NoPrefix:
		c.Prefix = ""
	}
	if c.Owner == "" {
		c.Owner = defaultOwner()
	}
	if c.LongestTTL == 0 {
		c.LongestTTL = c.TTL
	}
	if c.HandOvers == 0 {
		c.HandOvers = DefaultHandOvers
	}
	if c.TokenRetention == 0 {
		c.TokenRetention = DefaultTokenRetention
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, c.validate()
}

func (c Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("redlock: "+format, args...))
	}
	if len(c.Nodes) == 0 {
		bad("Config.Nodes is empty: give the nodes, best 3 or 5 independent primaries")
	}
	seen := make(map[string]bool, len(c.Nodes))
	for i, n := range c.Nodes {
		if n == nil {
			bad("Config.Nodes[%d] is nil", i)
			continue
		}
		if name := n.Name(); seen[name] {
			bad("Config.Nodes lists %s twice: a server has one vote, so give each server once", name)
		} else {
			seen[name] = true
		}
	}
	if c.TTL < LeastTTL {
		bad("Config.TTL is %v: it must be at least %v, as the drift allowance (TTL/100 + 2 ms), the rounds to the nodes and the pauses of a process must fit into it", c.TTL, LeastTTL)
	}
	if c.TTL >= LeastTTL && (c.NodeTimeout < time.Millisecond || c.NodeTimeout > c.TTL/4) {
		bad("Config.NodeTimeout is %v: it must be between 1ms and a quarter of the TTL, %v, so that a lease is still valid after a silent node was waited for", c.NodeTimeout, c.TTL/4)
	}
	if c.LongestTTL < c.TTL {
		bad("Config.LongestTTL is %v: it must be at least Config.TTL, %v", c.LongestTTL, c.TTL)
	}
	if c.TokenRetention < c.LongestTTL {
		bad("Config.TokenRetention is %v: it must be at least the longest TTL, %v", c.TokenRetention, c.LongestTTL)
	}
	if c.HandOvers < -1 || c.HandOvers > mostHandOvers {
		bad("Config.HandOvers is %d: it must be between 1 and %d, or -1 for none", c.HandOvers, mostHandOvers)
	}
	if len(c.Owner) > MaxOwner {
		bad("Config.Owner is %d bytes long: at most %d", len(c.Owner), MaxOwner)
	}
	if strings.ContainsFunc(c.Owner, func(r rune) bool { return !unicode.IsPrint(r) }) {
		bad("Config.Owner is %q: only printable text, as people read it in their terminals", c.Owner)
	}
	return errors.Join(errs...)
}

// quarantine is for how long a node that restarted does not vote (I6).
func (c Config) quarantine() time.Duration {
	if c.Durable {
		return 0
	}
	return c.LongestTTL + quorum.Drift(c.LongestTTL)
}

// warning returns what is allowed in the node list but not good, or "".
func (c Config) warning() string {
	n := len(c.Nodes)
	switch {
	case n == 1:
		return "a single node: the lock is lost with it; 3 or 5 independent nodes survive a minority's death"
	case n%2 == 0:
		return fmt.Sprintf("an even number of nodes: %d of %d must agree, so that one node fewer would survive as many failures", quorum.Need(n), n)
	}
	return ""
}

// String prints the configuration. It holds no secret: a node prints as its name.
func (c Config) String() string {
	names := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		names[i] = "<nil>"
		if n != nil {
			names[i] = n.Name()
		}
	}
	return fmt.Sprintf("redlock.Config{Nodes: [%s], TTL: %v, NodeTimeout: %v, Prefix: %q, Owner: %q, LongestTTL: %v, Durable: %t, HandOvers: %d, Shared: %t, TokenRetention: %v}",
		strings.Join(names, " "), c.TTL, c.NodeTimeout, c.Prefix, c.Owner, c.LongestTTL, c.Durable, c.HandOvers, c.Shared, c.TokenRetention)
}

func defaultOwner() string {
	host, err := os.Hostname()
	if err != nil || strings.ContainsFunc(host, func(r rune) bool { return !unicode.IsPrint(r) }) {
		host = "unknown"
	}
	return fmt.Sprintf("%.100s/%d", host, os.Getpid())
}
