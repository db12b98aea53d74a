package fence_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock/fence"
)

// Of readers none is before another; a writer is refused once a reader that came after it has
// shown its token.
func ExampleReadRegister() {
	var register fence.ReadRegister = &fence.Memory{}
	ctx := context.Background()

	fmt.Println(register.Admit(ctx, "accounts/7", 33) == nil)     // a writer
	fmt.Println(register.AdmitRead(ctx, "accounts/7", 36) == nil) // two readers that came after it
	fmt.Println(register.AdmitRead(ctx, "accounts/7", 35) == nil)
	fmt.Println(errors.Is(register.Admit(ctx, "accounts/7", 33), fence.ErrStale)) // the writer was paused
	// Output:
	// true
	// true
	// true
	// true
}

// A program that works for somebody else's reader says so.
func ExampleWithSharedToken() {
	ctx := fence.WithSharedToken(context.Background(), 33)
	token, ok := fence.TokenFrom(ctx)
	fmt.Println(token, ok, fence.SharedFrom(ctx))
	fmt.Println(fence.SharedFrom(fence.WithToken(ctx, 34)))
	// Output:
	// 33 true true
	// false
}
