package fence_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock/fence"
)

// The resource has seen B's token, so A, which was paused, comes too late.
func ExampleMemory_Admit() {
	var register fence.Memory
	ctx := context.Background()

	fmt.Println(register.Admit(ctx, "accounts/7", 33)) // A
	fmt.Println(register.Admit(ctx, "accounts/7", 34)) // B
	err := register.Admit(ctx, "accounts/7", 33)       // A again
	fmt.Println(err)

	var stale *fence.StaleError
	fmt.Println(errors.As(err, &stale), stale.Token, stale.Newest)
	// Output:
	// <nil>
	// <nil>
	// fence: token 33 for "accounts/7" is stale: 34 has been admitted
	// true 33 34
}

// A reader is refused for a writer's newer token only.
func ExampleMemory_AdmitRead() {
	var register fence.Memory
	ctx := context.Background()

	fmt.Println(register.AdmitRead(ctx, "accounts/7", 34))
	fmt.Println(register.AdmitRead(ctx, "accounts/7", 33)) // another reader at the same time
	fmt.Println(register.Admit(ctx, "accounts/7", 35))     // the next writer
	fmt.Println(register.AdmitRead(ctx, "accounts/7", 34))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// fence: token 34 for "accounts/7" is stale: 35 has been admitted
}
