//go:build unix

package fence_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/resp"
)

// The Go code of docs/FENCING.md, so that it is compiled. TestDocsGoCode sees
// that the two are the same; the examples run the same calls.
var _ = []any{docsRows, docsSQL, docsRedis, docsReader, docsClient, docsServer, docsProgram, (&service{}).ServeHTTP}

func docsRows(ctx context.Context, db *sql.DB, lease *redlock.Lease) error {
	accounts := fence.Rows{Table: "accounts", Key: "id"}

	// Show the token, and then read.
	if err := accounts.Claim(ctx, db, 7, lease.Token()); err != nil {
		return err
	}

	// One statement compares, writes the token, and writes the data.
	err := accounts.Exec(ctx, db, 7, lease.Token(), `
		UPDATE accounts SET balance = $3, fencing_token = $2
		WHERE id = $1 AND fencing_token <= $2`, 150)

	var stale *fence.StaleError
	if errors.As(err, &stale) {
		log.Printf("somebody else has the lock now: its token is %d, mine is %d", stale.Newest, stale.Token)
	}
	return err
}

func docsSQL(ctx context.Context, db *sql.DB, lease *redlock.Lease) error {
	schema, err := fence.SQL{}.Schema() // CREATE TABLE IF NOT EXISTS redlock_fence …
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, schema)
	if err != nil {
		return err
	}

	err = fence.SQL{}.Do(ctx, db, nil, "accounts/7", lease.Token(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 10 WHERE id = 7")
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO transfers (account, amount) VALUES (7, -10)")
		return err
	})
	return err
}

func docsRedis(ctx context.Context, client *redis.Client, lease *redlock.Lease) error {
	guard := fence.Redis{Doer: goredis.Wrap(client)} // or rueidis.Wrap, or any redlock.Node

	replies, err := guard.Do(ctx, "accounts:7", lease.Token(), resp.Command{"GET", "accounts:7"})
	if err != nil {
		return err
	}
	fmt.Println("the balance is", replies[0].Text)

	_, err = guard.Do(ctx, "accounts:7", lease.Token(),
		resp.Command{"SET", "accounts:7", "150"},
		resp.Command{"RPUSH", "accounts:7:history", "+50"})
	return err
}

func docsReader(ctx context.Context, guard fence.Redis, lease *redlock.Lease) ([]resp.Reply, error) {
	replies, err := guard.DoRead(ctx, "accounts:7", lease.Token(), resp.Command{"GET", "accounts:7"})
	return replies, err
}

func docsClient(lease *redlock.Lease, url string, body io.Reader) error {
	client := &http.Client{Transport: &fence.Transport{}}
	request, err := http.NewRequestWithContext(lease.Context(), http.MethodPut, url, body)
	if err != nil {
		return err
	}
	response, err := client.Do(request) // with the header Fencing-Token
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := fence.FromResponse(response); err != nil {
		return err // a *fence.StaleError
	}
	return nil
}

func docsServer(mux *http.ServeMux, db *sql.DB, accountService http.Handler) {
	mux.Handle("/accounts/", fence.Handler(accountService, fence.HandlerConfig{
		Register: fence.SQL{}.Register(db), // or fence.Redis{…}, or &fence.Memory{}
	}))
}

type service struct {
	db     *sql.DB
	change func(r *http.Request) func(tx *sql.Tx) error
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, _ := fence.TokenFrom(r.Context())
	err := fence.SQL{}.Do(r.Context(), s.db, nil, r.URL.Path, token, s.change(r))
	switch {
	case fence.Refuse(w, err): // 409, with the newer token
	case err != nil:
		http.Error(w, "cannot write", http.StatusInternalServerError)
	}
}

func docsProgram(ctx context.Context) (context.Context, error) {
	set := func() error {
		token, err := fence.Parse(os.Getenv("REDLOCK_TOKEN"))
		if err != nil {
			return err
		}
		ctx = fence.WithToken(ctx, token)
		return nil
	}
	return ctx, set()
}
