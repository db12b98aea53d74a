//go:build !linux

package redlock

import "time"

// suspended is not known on this system: the monotonic clock alone is used. On
// Windows it includes the time of a suspension; on macOS it does not, so that
// there a lease may be believed in for as long as the machine was suspended.
func suspended() time.Duration { return 0 }
