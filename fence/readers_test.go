package fence_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/redlocktest"
)

// A writer is refused after anybody's newer token, a reader only after a writer's.
func TestReadersAndWriters(t *testing.T) {
	server := redisserver.Start(t)
	for name, register := range map[string]fence.ReadRegister{
		"memory":                   &fence.Memory{},
		"memory with a retention":  &fence.Memory{Retention: time.Hour},
		"redis":                    fence.Redis{Doer: plain{server}},
		"redis with a retention":   fence.Redis{Doer: plain{server}, Retention: time.Hour},
		"redis, after plain locks": admitted(t, fence.Redis{Doer: plain{server}}, name5),
	} {
		t.Run(name, func(t *testing.T) {
			resource := t.Name()
			if name == "redis, after plain locks" {
				resource = name5
			}
			for i, step := range []struct {
				reads bool
				token uint64
				stale uint64 // the newer one that it is refused for, 0 if it is admitted
			}{
				{true, 30, 0},
				{true, 20, 0}, // readers have no order
				{false, 25, 30},
				{false, 30, 0},
				{true, 29, 30}, // a writer came in between
				{true, 30, 0},  // it goes on as a reader
				{true, 50, 0},
				{true, 31, 0},
				{false, 49, 50},
				{false, 51, 0},
				{true, 50, 51},
				{true, 0, 0}, // no token
			} {
				admit := register.Admit
				if step.reads {
					admit = register.AdmitRead
				}
				err := admit(t.Context(), resource, step.token)
				var stale *fence.StaleError
				switch {
				case step.token == 0:
					if !errors.Is(err, fence.ErrNotToken) {
						t.Errorf("step %d: %v", i, err)
					}
				case step.stale == 0 && err != nil, step.stale != 0 && (!errors.As(err, &stale) || stale.Newest != step.stale):
					t.Errorf("step %d, %+v: %v", i, step, err)
				}
			}
		})
	}
}

const name5 = "of a time before there were readers"

func admitted(t *testing.T, r fence.Redis, resource string) fence.Redis {
	t.Helper()
	if err := r.Admit(t.Context(), resource, 5); err != nil {
		t.Fatal(err)
	}
	return r
}

// Over HTTP: two readers are served at once, the one with the lower token too; a writer that came
// later is served when they have gone, and one of before is refused.
func TestHandlerServesReadersTogether(t *testing.T) {
	nodes := redlocktest.NewNodes(3)
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect()})
	if err != nil {
		t.Fatal(err)
	}
	defer locker.Close()
	old := acquired(t, locker.Acquire)
	if err := old.Release(t.Context()); err != nil {
		t.Fatal(err)
	}

	inside, leave := make(chan string, 4), make(chan struct{})
	server := httptest.NewServer(fence.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if fence.SharedFrom(r.Context()) {
			inside <- "reader"
			<-leave
			return
		}
		inside <- "writer"
	}), fence.HandlerConfig{Register: &fence.Memory{}}))
	defer server.Close()
	client := &http.Client{Transport: &fence.Transport{}}
	put := func(ctx context.Context) chan int {
		status := make(chan int, 1)
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, server.URL+"/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			response, err := client.Do(request)
			if err != nil {
				t.Error(err)
				status <- 0
				return
			}
			_ = response.Body.Close()
			status <- response.StatusCode
		}()
		return status
	}

	writer := acquired(t, locker.AcquireWrite)
	if err := writer.Downgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	reader := acquired(t, locker.AcquireRead)
	second := put(reader.Context())
	if got := <-inside; got != "reader" {
		t.Fatalf("inside is a %s", got)
	}
	first := put(writer.Context()) // its token is lower, and it reads
	if got := <-inside; got != "reader" {
		t.Fatalf("inside is a %s", got)
	}
	if status := <-put(fence.WithToken(t.Context(), old.Token())); status != http.StatusConflict {
		t.Errorf("a writer of before gets %d", status)
	}
	next := put(fence.WithToken(t.Context(), reader.Token()+1))
	select {
	case <-next:
		t.Error("a writer was served beside readers")
	case <-time.After(20 * time.Millisecond): // long enough to see it, if it were so
	}
	close(leave)
	for _, status := range []chan int{first, second, next} {
		if got := <-status; got != http.StatusOK {
			t.Errorf("status %d", got)
		}
	}
	if status := <-put(reader.Context()); status != http.StatusConflict {
		t.Errorf("a reader after a newer writer gets %d", status)
	}
}

func acquired(t *testing.T, take func(context.Context, string, ...redlock.Option) (*redlock.Lease, error)) *redlock.Lease {
	t.Helper()
	lease, err := take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	return lease
}
