package redlock

import (
	"errors"
	"io"
	"slices"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// probe asks for a sign of life. It does not queue: what is before it may hang. It
// is called with the mutex held.
func (ln *lane) probe() {
	f := &flight{then: func([]resp.Reply, error) {}}
	f.Owner = f
	now := ln.locker.clock.now()
	ln.core.Launch(now, &f.Flight)
	limit, epoch := ln.limit(now), ln.epoch()
	ln.locker.flying.Add(1)
	go func() {
		defer ln.locker.flying.Done()
		_, err := ln.do(limit, script.Probe(), nil)
		ln.mu.Lock()
		defer ln.mu.Unlock()
		now := ln.locker.clock.now()
		ln.core.Probed(now, ending(err, ln.epoch() == epoch))
		ln.core.Land(now, &f.Flight, err == nil)
		ln.sense(err)
		ln.pay()
	}()
}

// ending is how a probe ended. same says that no connection has been made since it
// was sent: then one that broke is an old one.
func ending(err error, same bool) core.Ending {
	switch {
	case err == nil:
		return core.Answered
	case same && isBroken(err):
		return core.Broken
	}
	return core.Missed
}

// isBroken reports whether an error says that a connection broke on which a request
// was: the other end has closed it, or does not know it any more. A connection that is
// not to be had is none, nor is one that is silent.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		slices.ContainsFunc(brokenConn, func(says error) bool { return errors.Is(err, says) })
}
