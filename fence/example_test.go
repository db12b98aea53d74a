package fence_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/redlocktest"
)

// The classic story, over HTTP. Both clients use the lock as they should, but A
// is paused for longer than its lease.
func Example_pausedClient() {
	fmt.Println("Without the guard:")
	tell(&account{balance: 100})

	fmt.Println("With the guard:")
	tell(fence.Handler(&account{balance: 100}, fence.HandlerConfig{Register: &fence.Memory{}}))

	// Output:
	// Without the guard:
	// A reads 100, to take 10 away, and is paused
	// B reads 100, to add 50, and writes 150
	// A wakes and writes 90: accepted
	// The balance is 90.
	// With the guard:
	// A reads 100, to take 10 away, and is paused
	// B reads 100, to add 50, and writes 150
	// A wakes and writes 90: refused, for B's token is newer
	// The balance is 150.
}

func tell(service http.Handler) {
	server := httptest.NewServer(service)
	defer server.Close()
	client := accountClient{server.URL + "/accounts/7", &http.Client{Transport: &fence.Transport{}}}
	defer client.http.CloseIdleConnections()
	nodes := redlocktest.NewNodes(3) // each client has connections of its own to them

	a, endA := acquire(nodes, 100*time.Millisecond, redlock.WithoutRenewal())
	defer endA()
	// A paused process does not look at its context, and a packet that is under way
	// has none. So A goes on with a context that does not end with the lease.
	paused := context.WithoutCancel(a.Context())
	fmt.Printf("A reads %d, to take 10 away, and is paused\n", client.get(paused))
	<-a.Context().Done()

	b, endB := acquire(nodes, 10*time.Second)
	defer endB()
	fmt.Printf("B reads %d, to add 50, and writes 150\n", client.get(b.Context()))
	if err := client.put(b.Context(), 150); err != nil {
		log.Fatal(err)
	}

	var stale *fence.StaleError
	switch err := client.put(paused, 90); {
	case err == nil:
		fmt.Println("A wakes and writes 90: accepted")
	case errors.As(err, &stale) && stale.Token == a.Token() && stale.Newest == b.Token():
		fmt.Println("A wakes and writes 90: refused, for B's token is newer")
	default:
		log.Fatal(err)
	}
	fmt.Printf("The balance is %d.\n", client.get(b.Context()))
}

// acquire stands for a process that takes the lock of account 7.
func acquire(nodes redlocktest.Nodes, ttl time.Duration, opts ...redlock.Option) (*redlock.Lease, func()) {
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), TTL: ttl})
	if err != nil {
		log.Fatal(err)
	}
	lease, err := locker.Acquire(context.Background(), "accounts/7", opts...)
	if err != nil {
		log.Fatal(err)
	}
	return lease, func() { _ = locker.Close() }
}

// account is a service with one account. It knows nothing of locks and tokens.
type account struct {
	mu      sync.Mutex
	balance int
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Method == http.MethodPut {
		balance, err := strconv.Atoi(r.URL.Query().Get("balance"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a.balance = balance
	}
	_, _ = fmt.Fprintln(w, a.balance)
}

type accountClient struct {
	url  string
	http *http.Client
}

func (c accountClient) get(ctx context.Context) (balance int) {
	err := c.do(ctx, http.MethodGet, c.url, &balance)
	if err != nil {
		log.Fatal(err)
	}
	return balance
}

func (c accountClient) put(ctx context.Context, balance int) error {
	return c.do(ctx, http.MethodPut, c.url+"?balance="+strconv.Itoa(balance), &balance)
}

func (c accountClient) do(ctx context.Context, method, url string, balance *int) error {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := fence.FromResponse(response); err != nil {
		return err
	}
	_, err = fmt.Fscan(response.Body, balance)
	return err
}
