package fence_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/resp"
)

// The read shows B's token, so nothing that B read can be changed under it by A.
func ExampleRedis_Do() {
	node, end := connect()
	defer end()
	guard := fence.Redis{Doer: node}
	ctx := context.Background()

	fmt.Println(guard.Do(ctx, "accounts:7", 33, resp.Command{"SET", "accounts:7", "100"})) // A
	fmt.Println(guard.Do(ctx, "accounts:7", 34, resp.Command{"GET", "accounts:7"}))        // B
	fmt.Println(guard.Do(ctx, "accounts:7", 33, resp.Command{"SET", "accounts:7", "90"}))  // A, which was paused
	fmt.Println(guard.Do(ctx, "accounts:7", 34,                                            // several, in one step
		resp.Command{"INCRBY", "accounts:7", "50"}, resp.Command{"EXPIRE", "accounts:7", "3600"}))
	// Output:
	// ["OK"] <nil>
	// ["100"] <nil>
	// [] fence: token 33 for "accounts:7" is stale: 34 has been admitted
	// [150 1] <nil>
}

// Readers read side by side, whatever the order of their tokens.
func ExampleRedis_DoRead() {
	node, end := connect()
	defer end()
	guard := fence.Redis{Doer: node}
	ctx := context.Background()

	fmt.Println(guard.DoRead(ctx, "accounts:7", 34, resp.Command{"EXISTS", "accounts:7"}))
	fmt.Println(guard.DoRead(ctx, "accounts:7", 33, resp.Command{"EXISTS", "accounts:7"}))
	fmt.Println(guard.Do(ctx, "accounts:7", 35, resp.Command{"SET", "accounts:7", "100"})) // a writer
	fmt.Println(guard.DoRead(ctx, "accounts:7", 34, resp.Command{"EXISTS", "accounts:7"}))
	// Output:
	// [0] <nil>
	// [0] <nil>
	// ["OK"] <nil>
	// [] fence: token 34 for "accounts:7" is stale: 35 has been admitted
}

// As a register, for a [fence.Handler] whose resource lives elsewhere.
func ExampleRedis_Admit() {
	node, end := connect()
	defer end()
	var register fence.ReadRegister = fence.Redis{Doer: node, Retention: 24 * time.Hour}
	ctx := context.Background()

	fmt.Println(register.Admit(ctx, "/accounts/7", 33))
	fmt.Println(register.AdmitRead(ctx, "/accounts/7", 35))
	fmt.Println(register.AdmitRead(ctx, "/accounts/7", 34))
	fmt.Println(register.Admit(ctx, "/accounts/7", 33))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// fence: token 33 for "/accounts/7" is stale: 35 has been admitted
}

// connection stands for the node of an adapter, goredis.NewNode for one.
type connection struct{ server *redisd.Server }

func (c connection) Do(_ context.Context, batch []resp.Command) ([]resp.Reply, error) {
	commands := make([][]string, len(batch))
	for i, command := range batch {
		commands[i] = command
	}
	return c.server.DoAll(10*time.Second, commands...)
}

// connect starts a Redis of the example's own.
func connect() (node fence.Doer, end func()) {
	server, err := redisd.Start()
	if err != nil {
		log.Panic(err)
	}
	return connection{server}, func() { _ = server.Close() }
}
