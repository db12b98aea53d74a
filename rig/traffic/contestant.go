package traffic

import (
	"context"
	"io"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// Contestant is a lock library, and how it is used in the rig. All get the same
// TTL; beyond that each has its documented defaults.
type Contestant struct {
	Name string // in flags, lock names and the report
	// Ours are held to their guarantees; of the others it is only told what was seen.
	Ours bool
	// Quorum: it takes a majority of all nodes. Else it uses the first node alone.
	Quorum bool
	// Timeless: it does not tell its users until when a lease is valid.
	Timeless bool
	// Modules are those whose versions the report states.
	Modules []string
	// Settings say what was set, and why, in a sentence.
	Settings string
	// Keys are the keys on the nodes of a lock.
	Keys func(lock string) []string
	// Queues are the keys of those who wait for a lock with a key, if the library has any.
	Queues func(key string) []string
	// Beside are keys that hold who has a lock with a key, if several may have it at once. They may
	// live a second longer than that.
	Beside func(key string) []string
	// Kinds: its locks are of several kinds, see Part.
	Kinds bool
	// Owner finds the owner's label in a value on a node, "" if there is none.
	Owner func(value string) string
	Open  func(Setup) (Locker, error)
}

// Locks are those that its clients take. The first is wanted most, if they are of one kind.
func (c Contestant) Locks() []string {
	if c.Kinds {
		return []string{c.Name + sharedLock, c.Name + slotsLock, c.Name + pairLock, c.Name + calmLock}
	}
	return []string{c.Name + busyLock, c.Name + calmLock}
}

// Parts are what one at a time has of the locks, but for readers: each slot of a semaphore is one.
func (c Contestant) Parts() []string {
	var parts []string
	for _, lock := range c.Locks() {
		if lock != c.Name+slotsLock {
			parts = append(parts, lock)
			continue
		}
		for n := range slots {
			parts = append(parts, slotOf(lock, n))
		}
	}
	return parts
}

// The locks, behind the name of a contestant.
const (
	busyLock   = "/busy"
	calmLock   = "/calm"
	sharedLock = "/shared" // read or written
	slotsLock  = "/slots"  // a semaphore
	pairLock   = "/pair"   // taken with the calm one
)

// Setup is what a library is opened with.
type Setup struct {
	URLs    []string // of all nodes
	TTL     time.Duration
	Owner   string    // a label, for libraries that have one
	Durable bool      // say that nodes lose nothing when they restart, if the library can be told
	Log     io.Writer // for the library's own words

	// For ours only. Patience is Config.NodeTimeout; ByHand has all leases extended by
	// hand, so that they can be left to expire.
	Patience time.Duration
	ByHand   bool
	Shared   bool // Config.Shared
}

// Locker takes locks.
type Locker interface {
	// Acquire waits for the lock until ctx is done, or for as long as the library
	// does.
	Acquire(ctx context.Context, lock string) (Lease, error)
	// Kind names the kind of an error of the library, in a word or two.
	Kind(err error) string
	Close() error
}

// Lease is a lock that is held. Its methods may be called by many goroutines at
// once, but for Extend and Release.
type Lease interface {
	// Token is the fencing token, 0 if the library has none.
	Token() uint64
	// Valid reports whether the lease is valid, as far as its holder can know without
	// asking a node, and until when if nothing more is done; 0 if the library does
	// not tell.
	Valid() (until clock.Instant, ok bool)
	// Extend extends the lease; it does nothing if the library does it by itself.
	Extend(ctx context.Context) error
	Release(ctx context.Context) error
}

// Parted is a lease of something else than one lock, alone.
type Parted interface{ Part() Part }

// Part is what a lease is of.
type Part struct {
	Lock   string   // of a slot: the semaphore's name, #, and its number
	Also   []string // the other locks of a set
	Shared bool     // with others that share
}

// Punctual is a lease whose library promises that it is over no later than its
// deadline (I2).
type Punctual interface {
	// Overstays reports whether the lease still seemed to be valid after its deadline.
	Overstays() bool
}

// Contestants are all of them, in the order of the report.
func Contestants() []Contestant {
	return []Contestant{onGoredis(), onRueidis(), redsyncs(), redislocks(), rueidislocks(), kinds()}
}

// ContestantNamed finds one.
func ContestantNamed(name string) (Contestant, bool) {
	for _, c := range Contestants() {
		if c.Name == name {
			return c, true
		}
	}
	return Contestant{}, false
}

// until turns a point in time into an instant. It reads its clock first: if the
// process stands still in between, the result is too early, never too late.
func until(t func() time.Time) (now, end clock.Instant) {
	now = clock.Now()
	return now, now.Add(time.Until(t()))
}
