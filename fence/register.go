package fence

import (
	"context"
	"errors"
	"fmt"
)

// Register remembers, for each resource, the highest token that it admitted.
// [Memory], [SQL.Register] and [Redis] implement it; so may you, with [Verdict]
// for the comparison.
//
// Its methods may be called from many goroutines at once.
type Register interface {
	// Admit raises the register of the resource to the token, in one atomic
	// step, and returns nil, or leaves it as it is and returns a [*StaleError]
	// if it has admitted a higher token. An error that wraps [ErrNotToken] also
	// leaves it as it is. After any other error the register may have risen or
	// not, and the caller must not write.
	//
	// Admit by itself says only that the token was not stale at that moment. To
	// write under it, the write must be in the same atomic step, or the caller
	// must keep newer tokens from being admitted until the write is done, as
	// [Handler] does within one process.
	Admit(ctx context.Context, resource string, token uint64) error
}

// ReadRegister is a Register that tells readers from writers: those who share a lock
// ([redlock.Locker.AcquireRead]) have tokens without an order between them, above those of all
// writers before and below those of all writers after. So a writer's token is stale if
// anybody's newer one was admitted, and a reader's only if a writer's was. [Memory] and [Redis]
// implement it.
type ReadRegister interface {
	Register

	// AdmitRead is Admit for a reader's token: it raises the register, and refuses the token
	// only if it has admitted a higher one of a writer.
	AdmitRead(ctx context.Context, resource string, token uint64) error
}

// ErrStale is what every [*StaleError] is, for errors.Is.
var ErrStale = errors.New("stale fencing token")

// StaleError says that a token was refused because the resource has admitted a
// higher one: the lease that it came from is over, and another has begun. The
// write was not done. There is no use in trying again with the same token.
type StaleError struct {
	Resource string
	Token    uint64 // the one that was refused
	Newest   uint64 // the highest that the resource has admitted
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("fence: token %d for %q is stale: %d has been admitted", e.Token, e.Resource, e.Newest)
}

// Is makes errors.Is(err, ErrStale) true.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// Verdict is the rule: nil if the token is not below newest, the highest token
// that the resource has admitted (0 for none), else a [*StaleError]. It is for
// those who keep the register in a place of their own.
func Verdict(resource string, token, newest uint64) error {
	if token < newest {
		return &StaleError{Resource: resource, Token: token, Newest: newest}
	}
	return nil
}
