package traffic

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// Entry is a line of a client's journal: what it did, and when it knew. A line is
// written with one call, so that a client that is killed leaves whole lines, but
// for the last.
type Entry struct {
	At   clock.Instant `json:"at"`
	What What          `json:"what"`
	Lock string        `json:"lock,omitempty"`

	// Held
	Also   []string `json:"also,omitempty"`   // the other locks of a set
	Shared bool     `json:"shared,omitempty"` // with others that share; of Asked and Answered, too

	// Held, Beat, End, Released, Failed
	Token uint64        `json:"token,omitempty"`
	Until clock.Instant `json:"until,omitempty"` // the end of the validity that the library tells
	How   How           `json:"how,omitempty"`   // End
	Kind  string        `json:"kind,omitempty"`  // of an error
	Err   string        `json:"err,omitempty"`

	// Asked, Answered, by one client one after another
	Op    Op     `json:"op,omitempty"`
	Count int64  `json:"count,omitempty"` // read or written
	Value string `json:"value,omitempty"` // read or written, unique for each write
	Stale uint64 `json:"stale,omitempty"` // refused: the newer token
}

// What an entry says.
type What string

// The entries of a lock, in order, and those of the registers in between.
const (
	Want     What = "want"     // the client begins to wait for the lock
	Again    What = "again"    // it asks the library again, after an attempt that failed
	Failed   What = "failed"   // an attempt failed; it waits on
	Held     What = "held"     // it has the lock
	Beat     What = "beat"     // it still had it at At
	Unextend What = "unextend" // an extension failed
	// Overstayed: the lease still seemed to be valid after its deadline.
	Overstayed What = "overstayed"
	End        What = "end"      // it had the lock until At
	Released   What = "released" // the release returned, with an error or not
	Asked      What = "asked"    // it asks the resource
	Answered   What = "answered" // the resource has answered; not written if it could not
)

// How a hold ended.
type How string

// The ways.
const (
	ByRelease How = "release"
	ByExpiry  How = "expiry" // at the deadline that the library tells
	ByLoss    How = "loss"   // before; At is the last time that it was seen to be valid
)

// Op is what a client asks of the resource.
type Op string

// The operations: on a register that nobody guards, and on one that refuses stale
// tokens.
const (
	ReadPlain    Op = "read plain"
	WritePlain   Op = "write plain"
	ReadGuarded  Op = "read guarded"
	WriteGuarded Op = "write guarded"
)

// Journal is a client's journal. It may be written from many goroutines at once.
type Journal struct {
	mu sync.Mutex
	w  io.Writer
}

// Write adds an entry. It panics if it cannot: what is done and not written down
// would look like a fault of somebody else's.
func (j *Journal) Write(e Entry) {
	line, err := json.Marshal(e)
	if err == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		_, err = j.w.Write(append(line, '\n'))
	}
	if err != nil {
		panic(fmt.Sprintf("the journal cannot be written: %v", err))
	}
}

// Tenure is one hold of a lock, with what came before and after.
type Tenure struct {
	Client string
	Lock   string
	Also   []string // the other locks of a set
	Shared bool     // with others that share
	Token  uint64
	// Want is when the client began to wait, Asked when it began the call that
	// succeeded.
	Want, Asked clock.Instant
	// Begin is when the library gave the lease, End the last instant at which it is
	// known to have been valid, Done when its release had returned, or the client's
	// last sign of life.
	Begin, End, Done clock.Instant
	How              How    // "" if the client was killed
	Released         bool   // its release returned
	Release          string // the kind of the release's error
}

// Touch is one operation on a register.
type Touch struct {
	Client   string
	Lock     string
	Op       Op
	Token    uint64
	Shared   bool // it is a reader's token
	Asked    clock.Instant
	Answered clock.Instant // 0: nobody knows whether it was done
	Count    int64
	Value    string
	Stale    uint64
}

// Wait is one call of Acquire, whatever its outcome. What a client that was killed
// waited for is not among them.
type Wait struct {
	Client   string
	Lock     string
	From, To clock.Instant
	Got      bool // the lock; else the call failed, or was given up
}

// Story is what a client did, from its journal.
type Story struct {
	Client  string
	Tenures []Tenure
	Waits   []Wait
	Touches []Touch
	// Errors counts errors by call and kind: "acquire: no quorum".
	Errors map[string]int
	// Overstayed are the times at which a lease seemed to be valid after its deadline.
	Overstayed []clock.Instant
	// Wait is the longest that it waited for a lock, also in vain.
	Wait time.Duration
}

// ReadJournal reads the journal of a client.
func ReadJournal(path, client string) (Story, error) {
	f, err := os.Open(path)
	if err != nil {
		return Story{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	s, err := readJournal(f, client)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func readJournal(r io.Reader, client string) (Story, error) {
	s := Story{Client: client, Errors: make(map[string]int)}
	var t *Tenure // the one under way
	var want, asked, last clock.Instant
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return s, fmt.Errorf("%q: %w", line, err)
		}
		last = e.At
		switch e.What {
		case Want:
			want, asked = e.At, e.At
		case Again:
			asked = e.At
		case Failed:
			s.Waits = append(s.Waits, Wait{Client: client, Lock: e.Lock, From: asked, To: e.At})
			s.Errors["acquire: "+e.Kind]++
			s.Wait = max(s.Wait, e.At.Sub(want))
			asked = e.At
		case Held:
			s.Waits = append(s.Waits, Wait{Client: client, Lock: e.Lock, From: asked, To: e.At, Got: true})
			s.Tenures = append(s.Tenures, Tenure{
				Client: client, Lock: e.Lock, Also: e.Also, Shared: e.Shared, Token: e.Token,
				Want: want, Asked: asked, Begin: e.At, End: e.At, Done: e.At,
			})
			t = &s.Tenures[len(s.Tenures)-1]
			s.Wait = max(s.Wait, e.At.Sub(want))
		case Overstayed:
			s.Overstayed = append(s.Overstayed, e.At)
		case Asked:
			s.Touches = append(s.Touches, Touch{Client: client, Lock: e.Lock, Op: e.Op, Token: e.Token, Shared: e.Shared, Asked: e.At, Count: e.Count, Value: e.Value})
		case Answered:
			if len(s.Touches) == 0 {
				return s, fmt.Errorf("%q: nothing was asked", line)
			}
			p := &s.Touches[len(s.Touches)-1]
			p.Answered, p.Count, p.Value, p.Stale = e.At, e.Count, e.Value, e.Stale
		default:
			if t == nil {
				return s, fmt.Errorf("%q: nothing is held", line)
			}
			t.note(e, s.Errors)
		}
	}
	if t != nil && t.Done < last && t.How == "" {
		t.Done = last
	}
	return s, nil
}

// note takes an entry of the lease that is held.
func (t *Tenure) note(e Entry, count map[string]int) {
	switch e.What {
	case Beat:
		t.End, t.Done = e.At, e.At
	case Unextend:
		count["extend: "+e.Kind]++
	case End:
		t.End, t.How, t.Done = e.At, e.How, max(t.Done, e.At)
		if e.How != ByRelease {
			count["lease: "+map[How]string{ByExpiry: "expired", ByLoss: "lost"}[e.How]]++
		}
	case Released:
		t.Done, t.Released = e.At, true
		if e.Kind != "" {
			t.Release = e.Kind
			count["release: "+e.Kind]++
		}
	}
}
