package contestant

import (
	"context"
	"errors"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

func etcd() Contestant {
	return Contestant{
		Name: "etcd", Label: "etcd, one server", Nodes: 1, Etcd: true, Modules: []string{"go.etcd.io/etcd/client/v3"},
		Settings: "concurrency.Mutex on one etcd server with its defaults, its data on a RAM disk where there is one, as the redis-servers keep nothing on disk either; " +
			"a session for each goroutine, as goroutines that share one do not exclude each other; sessions are made before the clock runs. " +
			"etcd is linearizable and replicated where Redis is neither; one server is its cheapest form",
		Open: func(s Setup) (Locker, error) {
			client, err := clientv3.New(clientv3.Config{Endpoints: s.URLs[:1], DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
			if err != nil {
				return nil, err
			}
			return &etcdLocker{client: client, ttl: max(1, int(s.TTL/time.Second))}, nil
		},
	}
}

type etcdLocker struct {
	client *clientv3.Client
	ttl    int // seconds

	mu   sync.Mutex
	all  []*concurrency.Session
	idle []*concurrency.Session
}

// Acquire waits until ctx is done.
func (l *etcdLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	session, err := l.session()
	if err != nil {
		return nil, err
	}
	m := concurrency.NewMutex(session, lock)
	if err := m.Lock(ctx); err != nil {
		// Whatever is left of the attempt is in the way of the session's next one.
		return nil, err
	}
	return &etcdLease{m, l, session}, nil
}

func (l *etcdLocker) session() (*concurrency.Session, error) {
	l.mu.Lock()
	if n := len(l.idle); n > 0 {
		s := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		return s, nil
	}
	l.mu.Unlock()
	s, err := concurrency.NewSession(l.client, concurrency.WithTTL(l.ttl))
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.all = append(l.all, s)
	l.mu.Unlock()
	return s, nil
}

// Close ends the sessions and the client.
func (l *etcdLocker) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var closing sync.WaitGroup
	errs := make([]error, len(l.all))
	for i, s := range l.all {
		closing.Go(func() { errs[i] = s.Close() })
	}
	closing.Wait()
	return errors.Join(append(errs, l.client.Close())...)
}

type etcdLease struct {
	m       *concurrency.Mutex
	l       *etcdLocker
	session *concurrency.Session
}

// Release gives the lock back, and the session to the next.
func (e *etcdLease) Release(ctx context.Context) error {
	err := e.m.Unlock(ctx)
	e.l.mu.Lock()
	e.l.idle = append(e.l.idle, e.session)
	e.l.mu.Unlock()
	return err
}
