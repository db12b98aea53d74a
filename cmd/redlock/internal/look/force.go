package look

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Taken is the object of "redlock release --force --json".
type Taken struct {
	Key    string  `json:"key"`
	Holder *Holder `json:"holder"` // it was taken from
	Token  uint64  `json:"token"`  // above its own, and below all later ones
}

// Force takes a lock from the holder with that id, or a slot, or a reader's part. Without one, confirm is asked,
// which is shown whom it will hit. On stdout it writes the token, which is above the evicted
// holder's. It returns the exit status.
func Force(ctx context.Context, l *redlock.Locker, name, id string, confirm func(*redlock.Inspection) (bool, error), p Page) (status int, err error) {
	in, err := l.Inspect(ctx, name)
	var quorum *redlock.QuorumError
	if err != nil && !errors.As(err, &quorum) {
		return 0, exit.Failed(err)
	}
	refuse := func(e report.NotForced) (int, error) {
		e.Key = in.Key
		p.Tell(e)
		return exit.NotAcquired, nil
	}
	shares := slices.Concat(in.Readers, in.Slots)
	h := in.Holder
	for _, s := range shares {
		if s.ID == id {
			of := s.Holder()
			h = &of
		}
	}
	switch {
	case quorum != nil:
		return refuse(report.NotForced{Reason: report.ReasonNoQuorum, Need: quorum.Need, Got: quorum.Got, Nodes: troubles(quorum)})
	case id == "" && (h == nil || len(in.Readers) > 0) && len(shares) > 0:
		return 0, exit.Failuref(fmt.Sprintf("redlock inspect shows their ids: --holder=%s is that of %s", shares[0].ID, shares[0].Label), "several have a part of %q, so say by --holder from whom", in.Key)
	case h == nil:
		return refuse(report.NotForced{Reason: report.ReasonNotHeld})
	case id != "" && id != h.ID:
		return refuse(report.NotForced{Reason: report.ReasonHeld, Holder: h.Label, ID: h.ID})
	case id == "":
		if agreed, err := confirm(in); err != nil || !agreed {
			return exit.NotAcquired, err
		}
	}
	token, err := l.ForceRelease(ctx, *h)
	var held *redlock.HeldError
	switch {
	case errors.As(err, &quorum):
		return refuse(report.NotForced{Reason: report.ReasonNoQuorum, Need: quorum.Need, Got: quorum.Got, Nodes: troubles(quorum), Begun: true})
	case errors.As(err, &held):
		return refuse(report.NotForced{Reason: report.ReasonHeld, Holder: held.Holder})
	case errors.Is(err, redlock.ErrNotHeld):
		return refuse(report.NotForced{Reason: report.ReasonNotHeld})
	case err != nil:
		return 0, exit.Failed(err)
	}
	if p.JSON {
		return exit.OK, p.object(Taken{Key: in.Key, Holder: holderOf(h), Token: token})
	}
	p.Tell(report.Note{Message: fmt.Sprintf("took %q from %s; its token and all before are below %d", in.Key, h.Label, token)})
	_, err = fmt.Fprintln(p.Out, token)
	return exit.OK, exit.Failed(err)
}
