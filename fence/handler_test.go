package fence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
)

// request makes a request with the headers Fencing-Token.
func request(ctx context.Context, method, path string, tokens ...string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	for _, token := range tokens {
		r.Header.Add(fence.Header, token)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandlerAnswers(t *testing.T) {
	register := &fence.Memory{}
	var reached bool
	h := fence.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }),
		fence.HandlerConfig{Register: register})
	if err := register.Admit(t.Context(), "/accounts/7", 34); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path string
		tokens             []string
		status             int
		body               string // a part of it
	}{
		{"newer", "PUT", "/accounts/7", []string{"35"}, 200, ""},
		{"equal", "PUT", "/accounts/7", []string{"35"}, 200, ""},
		{"stale", "PUT", "/accounts/7", []string{"34"}, 409, "has seen token 35, and refuses 34"},
		{"stale in a read", "GET", "/accounts/7", []string{"34"}, 409, "35"},
		{"another resource", "PUT", "/accounts/8", []string{"1"}, 200, ""},
		{"shown by a read", "GET", "/accounts/9", []string{"34"}, 200, ""},
		{"stale after a read", "PUT", "/accounts/9", []string{"33"}, 409, "34"},
		{"read without", "GET", "/accounts/7", nil, 200, ""},
		{"HEAD without", "HEAD", "/accounts/7", nil, 200, ""},
		{"OPTIONS without", "OPTIONS", "/accounts/7", nil, 200, ""},
		{"PUT without", "PUT", "/accounts/7", nil, 428, "Fencing-Token"},
		{"POST without", "POST", "/accounts/7", nil, 428, "Fencing-Token"},
		{"DELETE without", "DELETE", "/accounts/7", nil, 428, "Fencing-Token"},
		{"an unknown method without", "BREW", "/accounts/7", nil, 428, "Fencing-Token"},
		{"garbage", "PUT", "/accounts/7", []string{"thirty"}, 400, "not a fencing token"},
		{"empty", "PUT", "/accounts/7", []string{""}, 400, "not a fencing token"},
		{"zero", "PUT", "/accounts/7", []string{"0"}, 400, "not a fencing token"},
		{"garbage in a read", "GET", "/accounts/7", []string{"-1"}, 400, "not a fencing token"},
		{"two", "PUT", "/accounts/7", []string{"35", "36"}, 400, "one"},
		{"two in one", "PUT", "/accounts/7", []string{"35, 36"}, 400, "not a fencing token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reached = false
			w := serve(h, request(t.Context(), c.method, c.path, c.tokens...))
			if w.Code != c.status || reached != (c.status == 200) {
				t.Errorf("status %d, handler reached: %v; want %d", w.Code, reached, c.status)
			}
			if c.status == 200 {
				return
			}
			var said struct {
				Title, Detail string
				Status        int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
				t.Fatal(err)
			}
			if said.Status != c.status || said.Title == "" || !strings.Contains(said.Detail, c.body) {
				t.Errorf("the body says %+v", said)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type: %s", got)
			}
		})
	}
}

// TestHandlerBody holds the contract of the 409 word by word.
func TestHandlerBody(t *testing.T) {
	h := fence.Handler(http.NotFoundHandler(), fence.HandlerConfig{Register: &fence.Memory{}})
	serve(h, request(t.Context(), "PUT", "/accounts/7", "34"))
	got := serve(h, request(t.Context(), "PUT", "/accounts/7", "33")).Body.String()
	const want = `{"type":"https://pkg.go.dev/github.com/redlock-go/redlock/fence#StaleError",` +
		`"title":"The fencing token is stale","status":409,` +
		`"detail":"A newer lease has taken over: the resource has seen token 34, and refuses 33.",` +
		`"resource":"/accounts/7","token":33,"newest":34}` + "\n"
	if got != want {
		t.Errorf("the body is\n%swant\n%s", got, want)
	}
}

func TestHandlerConfig(t *testing.T) {
	h := fence.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := fence.TokenFrom(r.Context())
		_, _ = fmt.Fprint(w, token)
	}), fence.HandlerConfig{
		Register: &fence.Memory{},
		Resource: func(r *http.Request) string { return r.URL.Query().Get("account") },
		Required: func(r *http.Request) bool { return r.URL.Path != "/free" },
	})
	if got := serve(h, request(t.Context(), "GET", "/a?account=7", "34")); got.Code != 200 || got.Body.String() != "34" {
		t.Errorf("the handler sees %d %s", got.Code, got.Body)
	}
	if got := serve(h, request(t.Context(), "PUT", "/b?account=7", "33")); got.Code != 409 {
		t.Errorf("Resource is not used: %d", got.Code)
	}
	if got := serve(h, request(t.Context(), "GET", "/a?account=7")); got.Code != 428 {
		t.Errorf("Required is not used: %d", got.Code)
	}
	if got := serve(h, request(t.Context(), "PUT", "/free")); got.Code != 200 || got.Body.String() != "0" {
		t.Errorf("Required is not used: %d %s", got.Code, got.Body)
	}
	defer func() {
		if recover() == nil {
			t.Error("Handler without a register does not panic")
		}
	}()
	fence.Handler(http.NotFoundHandler(), fence.HandlerConfig{})
}

// delayed is a handler that says when a request has come in, and holds it
// until it is told to go on.
type delayed struct {
	in  chan *http.Request
	out chan struct{}
}

func (d delayed) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	d.in <- r
	<-d.out
}

// TestHandlerDelayed is the pause at its worst: between the check and the write.
func TestHandlerDelayed(t *testing.T) {
	d := delayed{make(chan *http.Request), make(chan struct{})}
	h := fence.Handler(d, fence.HandlerConfig{Register: &fence.Memory{}})
	put := func(ctx context.Context, token string) <-chan int {
		done := make(chan int, 1)
		go func() { done <- serve(h, request(ctx, "PUT", "/r", token)).Code }()
		return done
	}
	ctx := t.Context()

	first, second := put(ctx, "33"), put(ctx, "33")
	old := <-d.in
	<-d.in // one holder's requests are served together

	next := put(ctx, "34")
	<-old.Context().Done()
	var stale *fence.StaleError
	if err := context.Cause(old.Context()); !errors.As(err, &stale) || *stale != (fence.StaleError{Resource: "/r", Token: 33, Newest: 34}) {
		t.Errorf("the older request's context ended for %v", err)
	}
	if got := <-put(ctx, "33"); got != 409 {
		t.Errorf("while a newer token waits, another request of the older was answered %d", got)
	}
	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if got := <-put(impatient, "35"); got != 503 {
		t.Errorf("a request whose client does not wait was answered %d", got)
	}

	d.out <- struct{}{}
	select {
	case <-d.in:
		t.Fatal("the newer token was let in while an older request was under way")
	case got := <-first:
		first = nil
		if got != 200 {
			t.Errorf("status %d", got)
		}
	case got := <-second:
		second = nil
		if got != 200 {
			t.Errorf("status %d", got)
		}
	}
	select {
	case <-d.in:
		t.Fatal("the newer token was let in while an older request was under way")
	default:
	}
	d.out <- struct{}{}
	for _, done := range []<-chan int{first, second} {
		if done != nil {
			<-done
		}
	}
	// 35 asked and went away without being admitted, so 34 is not stale; but it is
	// only the register that knows.
	if r := <-d.in; r.Header.Get(fence.Header) != "34" {
		t.Errorf("%s was let in", r.Header.Get(fence.Header))
	}
	d.out <- struct{}{}
	if got := <-next; got != 200 {
		t.Errorf("the newer token was answered %d", got)
	}
}

// TestHandlerRace writes through the handler to a resource that has no guard of
// its own, not even a mutex: the race detector is the second judge here.
func TestHandlerRace(t *testing.T) {
	var history []uint64
	server := httptest.NewServer(fence.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		token, _ := fence.TokenFrom(r.Context())
		history = append(history, token)
	}), fence.HandlerConfig{Register: &fence.Memory{}}))
	defer server.Close()
	client := &http.Client{Transport: &fence.Transport{Base: server.Client().Transport}}

	accepted := fencetest.Race(t, 8, 40, func(token uint64) error {
		r, err := http.NewRequestWithContext(fence.WithToken(t.Context(), token), http.MethodPost, server.URL+"/r", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
		return errors.Join(fence.FromResponse(response), errors.New(response.Status))
	})
	if err := fencetest.InOrder(history, accepted); err != nil {
		t.Error(err)
	}
}

func TestHandlerPanicEndsTheTurn(t *testing.T) {
	h := fence.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get(fence.Header) == "33" {
			panic(http.ErrAbortHandler)
		}
	}), fence.HandlerConfig{Register: &fence.Memory{}})
	func() {
		defer func() { _ = recover() }()
		serve(h, request(t.Context(), "PUT", "/r", "33"))
	}()
	if got := serve(h, request(t.Context(), "PUT", "/r", "34")); got.Code != 200 {
		t.Errorf("after a panic the resource answers %d", got.Code)
	}
}

type registerFunc func(ctx context.Context) error

func (f registerFunc) Admit(ctx context.Context, _ string, _ uint64) error { return f(ctx) }

func TestHandlerWithoutItsRegister(t *testing.T) {
	var log bytes.Buffer
	h := fence.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request went through although its token could not be checked")
	}), fence.HandlerConfig{
		Register: registerFunc(func(context.Context) error { return errors.New("db1.internal: connection refused") }),
		Logger:   slog.New(slog.NewTextHandler(&log, nil)),
	})
	w := serve(h, request(t.Context(), "PUT", "/r", "33"))
	if w.Code != 503 || strings.Contains(w.Body.String(), "db1") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "db1.internal") || !strings.Contains(log.String(), "token=33") {
		t.Errorf("the log says %q", log.String())
	}

	log.Reset()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if w := serve(h, request(gone, "PUT", "/r", "33")); w.Code != 503 || log.Len() != 0 {
		t.Errorf("for a client that has gone: %d, and the log says %q", w.Code, log.String())
	}
}

// TestHandlerOvertakenInTheRegister has a newer token come while the register is
// still asked about an older one.
func TestHandlerOvertakenInTheRegister(t *testing.T) {
	asked := make(chan struct{})
	var asks int
	h := fence.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get(fence.Header); got != "34" {
			t.Errorf("%s was let in", got)
		}
	}), fence.HandlerConfig{Register: registerFunc(func(ctx context.Context) error {
		if asks++; asks == 1 {
			close(asked)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})})
	old := make(chan *httptest.ResponseRecorder)
	go func() { old <- serve(h, request(t.Context(), "PUT", "/r", "33")) }()
	<-asked
	newer := make(chan *httptest.ResponseRecorder)
	go func() { newer <- serve(h, request(t.Context(), "PUT", "/r", "34")) }()
	if got := <-old; got.Code != 409 || !strings.Contains(got.Body.String(), `"newest":34`) {
		t.Errorf("the older was answered %d %s", got.Code, got.Body)
	}
	if got := <-newer; got.Code != 200 {
		t.Errorf("the newer was answered %d %s", got.Code, got.Body)
	}
}

// TestHandlerOldAfterNewInTheRegister has an older token come while the register
// is still asked about a newer one: it must not be admitted just before.
func TestHandlerOldAfterNewInTheRegister(t *testing.T) {
	asked, goOn := make(chan struct{}), make(chan struct{})
	var asks int
	h := fence.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		fence.HandlerConfig{Register: registerFunc(func(context.Context) error {
			if asks++; asks == 1 {
				close(asked)
				<-goOn
			}
			return nil
		})})
	newer := make(chan *httptest.ResponseRecorder)
	go func() { newer <- serve(h, request(t.Context(), "PUT", "/r", "34")) }()
	<-asked
	if got := serve(h, request(t.Context(), "PUT", "/r", "33")); got.Code != 409 {
		t.Errorf("the older was answered %d %s", got.Code, got.Body)
	}
	close(goOn)
	if got := <-newer; got.Code != 200 {
		t.Errorf("the newer was answered %d %s", got.Code, got.Body)
	}
}
