package sim

import "github.com/redlock-go/redlock/internal/script"

// kind is what an operation wants, nil for the plain lock.
func (o *Op) kind() script.Kind {
	return nil
}
