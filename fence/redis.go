package fence

import (
	"context"
	"crypto/sha1" //nolint:gosec // EVALSHA names a script by its SHA-1; nothing is secured by it.
	_ "embed"     // the script
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// Doer sends commands to the Redis in which the resource lives, in order, and
// returns one reply for each. Every [redlock.Node] is a Doer. It need not be one
// of the lock's nodes, and seldom is: they are independent of each other, and
// the resource is in one place.
type Doer interface {
	Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error)
}

// Redis guards what lies in a Redis or Valkey. Each resource has a register, a
// key beside its data, and commands run in one script with the comparison:
//
//	guard := fence.Redis{Doer: node}
//	_, err := guard.Do(ctx, "accounts:7", lease.Token(), resp.Command{"SET", "accounts:7", "90"})
//
// # What holds
//
// The commands that were run for one resource were run in the order of their
// tokens, as long as the register is kept as well as the data is. Both are in
// one server, so a crash or a failover that loses the last writes loses them
// together; but a server that evicts keys when memory is short (maxmemory-policy
// allkeys-…) may evict the register alone, and must not be used.
//
// A holder that reads before it writes reads through Do too: a GET shows the
// token, and from then on no older holder can write.
//
// A Redis is safe for concurrent use. It is a [Register] too.
type Redis struct {
	Doer Doer

	// Retention lets the server forget the register of a resource for which no
	// token was admitted for that long. It must be longer than any holder of a
	// stale token can be paused. 0: never forget. Less than a millisecond is taken
	// for one.
	Retention time.Duration
}

// Do runs the commands, all of them in one atomic step, if the token is not
// stale, and returns their replies in order. With no command it only shows the
// token.
//
// The key of a command must be its second word, as in SET, HSET, INCRBY, DEL,
// XADD and most others. In Redis Cluster all keys must hash to one slot, and
// the resource with them: give both the same {tag}, or name the resource as the
// only key.
//
// A [*StaleError] names the newer token, and nothing was done. If a command
// failed (WRONGTYPE, say) that is the error: the commands before it were done,
// those after it were not. After any other error the fate of the commands is
// unknown: they may have been done, or may be yet, if no newer token comes
// before them.
func (r Redis) Do(ctx context.Context, resource string, token uint64, commands ...resp.Command) ([]resp.Reply, error) {
	return r.do(ctx, resource, token, "", commands)
}

// DoRead is Do for the token of a reader ([redlock.Lease.Shared]): it is stale only if a
// writer's newer one was admitted. Nobody checks that the commands only read.
func (r Redis) DoRead(ctx context.Context, resource string, token uint64, commands ...resp.Command) ([]resp.Reply, error) {
	return r.do(ctx, resource, token, "1", commands)
}

func (r Redis) do(ctx context.Context, resource string, token uint64, reads string, commands []resp.Command) ([]resp.Reply, error) {
	if err := valid(token); err != nil {
		return nil, err
	}
	keys := []string{registerKey(resource)}
	args := []string{Format(token), r.retention(), reads}
	for _, command := range commands {
		if len(command) < 2 {
			return nil, fmt.Errorf("fence: command %q has no key: the key must be the second word", []string(command))
		}
		keys = append(keys, command[1])
		args = append(args, strconv.Itoa(len(command)))
		args = append(args, command...)
	}

	reply, err := r.eval(ctx, keys, args)
	if err != nil {
		return nil, fmt.Errorf("fence: %q with token %d: %w", resource, token, err)
	}
	if reply.Kind == resp.Error {
		return nil, fmt.Errorf("fence: %q with token %d: %s", resource, token, reply.Text)
	}
	if reply.Kind != resp.Array || len(reply.Items) == 0 {
		return nil, fmt.Errorf("fence: %q with token %d: unexpected reply %v", resource, token, reply)
	}
	newest, err := strconv.ParseUint(reply.Items[0].Text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("fence: the register %s holds no token: %v", registerKey(resource), reply.Items[0])
	}
	if err := Verdict(resource, token, newest); err != nil {
		return nil, err
	}
	if len(reply.Items) != 1+len(commands) {
		return nil, fmt.Errorf("fence: %q with token %d: %d replies to %d commands", resource, token, len(reply.Items)-1, len(commands))
	}
	return reply.Items[1:], nil
}

// Admit implements [Register]: it shows the token and runs nothing.
func (r Redis) Admit(ctx context.Context, resource string, token uint64) error {
	_, err := r.Do(ctx, resource, token)
	return err
}

// AdmitRead implements [ReadRegister].
func (r Redis) AdmitRead(ctx context.Context, resource string, token uint64) error {
	_, err := r.DoRead(ctx, resource, token)
	return err
}

//go:embed guarded.lua
var guardedSource string

var guardedSHA = func() string {
	sum := sha1.Sum([]byte(guardedSource)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}()

// eval runs the script by its name, and by its text where the server does not
// know it, which then does. NOSCRIPT means that nothing was done.
func (r Redis) eval(ctx context.Context, keys, args []string) (resp.Reply, error) {
	rest := append([]string{strconv.Itoa(len(keys))}, keys...)
	rest = append(rest, args...)
	reply, err := r.one(ctx, append(resp.Command{"EVALSHA", guardedSHA}, rest...))
	if err == nil && reply.Code() == "NOSCRIPT" {
		reply, err = r.one(ctx, append(resp.Command{"EVAL", guardedSource}, rest...))
	}
	return reply, err
}

func (r Redis) one(ctx context.Context, command resp.Command) (resp.Reply, error) {
	replies, err := r.Doer.Do(ctx, []resp.Command{command})
	if err != nil {
		return resp.Reply{}, err
	}
	if len(replies) != 1 {
		return resp.Reply{}, fmt.Errorf("%d replies to one command", len(replies))
	}
	return replies[0], nil
}

func (r Redis) retention() string {
	if r.Retention <= 0 {
		return "0"
	}
	return strconv.FormatInt(max(r.Retention.Milliseconds(), 1), 10)
}

// registerKey names the register so that it hashes to the resource's own slot of
// a cluster: by the resource's {tag} if it has one, else by the whole of it. Only
// for a name with a } and no {tag} there is no such register, and a cluster
// answers CROSSSLOT.
func registerKey(resource string) string {
	if open := strings.IndexByte(resource, '{'); open >= 0 && strings.IndexByte(resource[open+1:], '}') > 0 {
		return resource + ":fence"
	}
	return "{" + resource + "}:fence"
}
