package fence_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/redlocktest"
)

func TestTokenFrom(t *testing.T) {
	ctx := t.Context()
	if token, ok := fence.TokenFrom(ctx); token != 0 || ok {
		t.Errorf("without a token: %d, %v", token, ok)
	}
	locker := open(t)
	outer, err := locker.Acquire(ctx, "outer")
	if err != nil {
		t.Fatal(err)
	}
	byHand := fence.WithToken(outer.Context(), 33)
	inner, err := locker.Acquire(byHand, "inner")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
		want uint64
	}{
		{"a token by hand", fence.WithToken(ctx, 33), 33},
		{"two by hand", fence.WithToken(fence.WithToken(ctx, 33), 34), 34},
		{"a lease", outer.Context(), outer.Token()},
		{"by hand in a lease", byHand, 33},
		{"a lease in one by hand", inner.Context(), inner.Token()},
		{"by hand in a lease in one by hand", fence.WithToken(inner.Context(), 35), 35},
	} {
		if token, ok := fence.TokenFrom(c.ctx); token != c.want || !ok {
			t.Errorf("%s: TokenFrom = %d, %v, want %d", c.name, token, ok, c.want)
		}
	}
}

func TestTransportSendsTheToken(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header.Values(fence.Header)
	}))
	defer server.Close()
	client := &http.Client{Transport: &fence.Transport{Base: server.Client().Transport}}
	defer client.CloseIdleConnections()

	send := func(ctx context.Context, header http.Header) *http.Request {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, server.URL, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			r.Header[name] = values
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		return r
	}
	lease, err := open(t).Acquire(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}

	r := send(lease.Context(), nil)
	if len(got) != 1 || got[0] != fence.Format(lease.Token()) {
		t.Errorf("sent %q under token %d", got, lease.Token())
	}
	if len(r.Header) != 0 {
		t.Errorf("the caller's request was changed: %v", r.Header)
	}
	if send(t.Context(), nil); got != nil {
		t.Errorf("sent %q without a lease", got)
	}
	if send(lease.Context(), http.Header{fence.Header: {"7"}}); len(got) != 1 || got[0] != "7" {
		t.Errorf("sent %q when the caller had set 7", got)
	}

	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err = http.NewRequestWithContext(lease.Context(), http.MethodPut, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := client.Do(r); !errors.Is(err, redlock.ErrReleased) {
		t.Errorf("a request under a lease that is over: %v, %v", response, err)
	}
}

func TestFromResponse(t *testing.T) {
	stale := &fence.StaleError{Resource: "/r\"ü", Token: 33, Newest: fence.MaxToken}
	refuse := func(w http.ResponseWriter) {
		if !fence.Refuse(w, errors.Join(errors.New("wrapped"), stale)) {
			t.Error("Refuse did not see a StaleError in an error that wraps it")
		}
	}
	answer := func(status int, media, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", media)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const ours = `{"type":"` + fence.ProblemStale + `","token":33,"newest":34}`
	for name, c := range map[string]struct {
		write func(http.ResponseWriter)
		want  *fence.StaleError
	}{
		"ours":                        {refuse, stale},
		"media type with a parameter": {answer(409, "application/problem+json; charset=utf-8", ours), &fence.StaleError{Token: 33, Newest: 34}},
		"another problem":             {answer(409, "application/problem+json", `{"type":"about:blank"}`), nil},
		"broken JSON":                 {answer(409, "application/problem+json", ours[:20]), nil},
		"plain conflict":              {answer(409, "text/plain", ours), nil},
		"no media type":               {answer(409, "", ours), nil},
		"another status":              {answer(200, "application/problem+json", ours), nil},
		"endless":                     {answer(409, "application/problem+json", strings.Repeat(" ", 1<<20)+ours), nil},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			c.write(recorder)
			sent := recorder.Body.String()
			response := recorder.Result()
			err := fence.FromResponse(response)
			var got *fence.StaleError
			if errors.As(err, &got) != (c.want != nil) || got != nil && *got != *c.want || err != nil && got == nil {
				t.Errorf("FromResponse = %v, want %v", err, c.want)
			}
			if body, err := io.ReadAll(response.Body); string(body) != sent || err != nil {
				t.Errorf("the body does not read as it was sent: %d bytes of %d, %v", len(body), len(sent), err)
			}
		})
	}
	if fence.Refuse(httptest.NewRecorder(), redlock.ErrHeld) {
		t.Error("Refuse answered for an error that is no StaleError")
	}
}

// open returns a locker on a cluster in memory, closed with the test.
func open(t *testing.T) *redlock.Locker {
	t.Helper()
	locker, err := redlock.New(redlock.Config{Nodes: redlocktest.NewNodes(3).Connect()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = locker.Close() })
	return locker
}
