package fence_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/redlock-go/redlock/fence"
)

// What the guard says to a request, by the token that it comes with.
func ExampleHandler() {
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := fence.TokenFrom(r.Context())
		fmt.Fprintf(w, "done under token %d", token)
	})
	guarded := fence.Handler(service, fence.HandlerConfig{Register: &fence.Memory{}})

	for _, token := range []string{"33", "34", "33", "", "thirty"} {
		r := httptest.NewRequest(http.MethodPut, "/accounts/7", nil)
		if token != "" {
			r.Header.Set(fence.Header, token)
		}
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		fmt.Printf("%q: %d\n", token, w.Code)
	}
	// Output:
	// "33": 200
	// "34": 200
	// "33": 409
	// "": 428
	// "thirty": 400
}

// The handler's own write is guarded where it is done, in the store, and the handler says so.
func ExampleRefuse() {
	save := func(token uint64) error { return fence.Verdict("accounts/7", token, 34) } // SQL.Do, for one
	service := func(w http.ResponseWriter, r *http.Request) {
		token, err := fence.Parse(r.Header.Get(fence.Header))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		switch err := save(token); {
		case fence.Refuse(w, err):
		case err != nil:
			http.Error(w, "the store failed", http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}

	for _, token := range []string{"34", "33"} {
		r := httptest.NewRequest(http.MethodPut, "/accounts/7", nil)
		r.Header.Set(fence.Header, token)
		w := httptest.NewRecorder()
		service(w, r)
		fmt.Println(w.Code, fence.FromResponse(w.Result()))
	}
	// Output:
	// 204 <nil>
	// 409 fence: token 33 for "accounts/7" is stale: 34 has been admitted
}

// A 409 may mean many things. That of a stale token is an error that says which was newer.
func ExampleFromResponse() {
	w := httptest.NewRecorder()
	fence.Refuse(w, &fence.StaleError{Resource: "accounts/7", Token: 33, Newest: 34})
	refused := w.Result()
	defer refused.Body.Close()
	err := fence.FromResponse(refused)
	fmt.Println(refused.StatusCode, err)
	fmt.Println(errors.Is(err, fence.ErrStale))

	w = httptest.NewRecorder()
	http.Error(w, "the name is taken", http.StatusConflict)
	other := w.Result()
	defer other.Body.Close()
	fmt.Println(other.StatusCode, fence.FromResponse(other))
	// Output:
	// 409 fence: token 33 for "accounts/7" is stale: 34 has been admitted
	// true
	// 409 <nil>
}

// The token of the request's context goes into its header.
func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Printf("token %q, shared %q\n", r.Header.Get(fence.Header), r.Header.Get(fence.SharedHeader))
	}))
	defer server.Close()
	client := &http.Client{Transport: &fence.Transport{}}
	defer client.CloseIdleConnections() // those of the Transport's Base

	ctx := context.Background()
	for _, ctx := range []context.Context{ctx, fence.WithToken(ctx, 33), fence.WithSharedToken(ctx, 34)} {
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, server.URL+"/accounts/7", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		response, err := client.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = response.Body.Close()
	}
	// Output:
	// token "", shared ""
	// token "33", shared ""
	// token "34", shared "1"
}

// base is a transport of yours, which the Transport works on top of.
type base struct{}

func (base) RoundTrip(r *http.Request) (*http.Response, error) {
	fmt.Printf("%s %s with token %s\n", r.Method, r.URL, r.Header.Get(fence.Header))
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

func (base) CloseIdleConnections() { fmt.Println("idle connections are closed") }

// The caller's request stays as it is: what goes out is a copy.
func ExampleTransport_RoundTrip() {
	transport := &fence.Transport{Base: base{}}
	ctx := fence.WithToken(context.Background(), 33)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://bank.example/accounts/7", nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	response, err := transport.RoundTrip(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Printf("%d, and the request has the token %q\n", response.StatusCode, r.Header.Get(fence.Header))
	// Output:
	// PUT https://bank.example/accounts/7 with token 33
	// 204, and the request has the token ""
}

// It closes those of the base, if the base can do that.
func ExampleTransport_CloseIdleConnections() {
	client := &http.Client{Transport: &fence.Transport{Base: base{}}}
	client.CloseIdleConnections() // calls the transport's
	// Output: idle connections are closed
}
