//go:build unix

package fence_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
)

var accounts = fence.Rows{Table: "accounts", Key: "id"}

const (
	accountsSchema = `CREATE TABLE accounts (
		id            BIGINT PRIMARY KEY,
		balance       BIGINT NOT NULL CHECK (balance >= 0),
		history       TEXT   NOT NULL DEFAULT '',
		fencing_token BIGINT NOT NULL DEFAULT 0)`
	setBalance = `UPDATE accounts SET balance = $3, fencing_token = $2 WHERE id = $1 AND fencing_token <= $2`
	putBalance = `INSERT INTO accounts (id, fencing_token, balance) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, fencing_token = excluded.fencing_token
		WHERE accounts.fencing_token <= excluded.fencing_token`
)

func createAccounts(t testing.TB, db *sql.DB) {
	t.Helper()
	mustExec(t, db, accountsSchema)
	mustExec(t, db, "INSERT INTO accounts (id, balance) VALUES (7, 100)")
}

func TestRows(t *testing.T) {
	onEach(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		createAccounts(t, db)
		balance := func(id int) int { return get[int](t, db, "SELECT balance FROM accounts WHERE id = $1", id) }
		stale := func(err error, token, newest uint64) {
			t.Helper()
			var got *fence.StaleError
			want := fence.StaleError{Resource: "accounts/7", Token: token, Newest: newest}
			if !errors.As(err, &got) || *got != want {
				t.Errorf("error %v, want %v", err, &want)
			}
		}

		for _, token := range []uint64{33, 33, 35} {
			if err := accounts.Exec(ctx, db, 7, token, setBalance, token); err != nil {
				t.Errorf("token %d: %v", token, err)
			}
		}
		stale(accounts.Exec(ctx, db, 7, 34, setBalance, 1), 34, 35)
		stale(accounts.Exec(ctx, db, 7, 34, putBalance, 1), 34, 35)
		stale(accounts.Claim(ctx, db, 7, 34), 34, 35)
		if got := balance(7); got != 35 {
			t.Errorf("after stale writes the balance is %d", got)
		}

		// A claim changes nothing but the token.
		for range 2 {
			if err := accounts.Claim(ctx, db, 7, 36); err != nil || balance(7) != 35 {
				t.Errorf("Claim = %v, the balance is %d", err, balance(7))
			}
		}
		stale(accounts.Exec(ctx, db, 7, 35, setBalance, 1), 35, 36)

		// An upsert makes a row, and then is guarded by it.
		for _, token := range []uint64{33, 34} {
			if err := accounts.Exec(ctx, db, 8, token, putBalance, token); err != nil || balance(8) != int(token) {
				t.Errorf("upsert with token %d: %v", token, err)
			}
		}

		// Within a transaction the statement is part of it.
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := accounts.Exec(ctx, tx, 7, 40, setBalance, 40); err != nil {
			t.Error(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := accounts.Exec(ctx, db, 7, 37, setBalance, 37); err != nil {
			t.Errorf("after a rollback: %v", err)
		}

		if err := accounts.Exec(ctx, db, 7, fence.MaxToken, setBalance, 1); err != nil {
			t.Error(err)
		}
		stale(accounts.Exec(ctx, db, 7, fence.MaxToken-1, setBalance, 2), fence.MaxToken-1, fence.MaxToken)
	})
}

// TestRowsTellsWhy has statements that write nothing for reasons other than a
// stale token: none may look like success, nor like a stale token.
func TestRowsTellsWhy(t *testing.T) {
	onEach(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		createAccounts(t, db)
		mustExec(t, db, "CREATE TABLE loose (id BIGINT, fencing_token BIGINT)")
		mustExec(t, db, "INSERT INTO loose (id) VALUES (7)")
		loose := fence.Rows{Table: "loose", Key: "id"}
		for _, c := range []struct {
			name string
			err  error
			is   error
			says string
		}{
			{"no such row", accounts.Exec(ctx, db, 9, 33, setBalance, 1), sql.ErrNoRows, `no row "accounts/9"`},
			{"no such row to claim", accounts.Claim(ctx, db, 9, 33), sql.ErrNoRows, `no row "accounts/9"`},
			{"another condition", accounts.Exec(ctx, db, 7, 33, setBalance+" AND balance > 1000", 1), sql.ErrNoRows, "another condition"},
			{"a constraint", accounts.Exec(ctx, db, 7, 33, setBalance, -1), nil, "accounts/7"},
			{"a column that is NULL", loose.Claim(ctx, db, 7, 33), nil, "NOT NULL DEFAULT 0"},
			{"no such table", fence.Rows{Table: "nowhere", Key: "id"}.Claim(ctx, db, 7, 33), nil, "nowhere"},
			{"token 0", accounts.Exec(ctx, db, 7, 0, setBalance, 1), fence.ErrNotToken, ""},
			{"token 0 to claim", accounts.Claim(ctx, db, 7, 0), fence.ErrNotToken, ""},
			{"token 2^53", accounts.Exec(ctx, db, 7, 1<<53, setBalance, 1), fence.ErrNotToken, ""},
		} {
			if c.err == nil || errors.Is(c.err, fence.ErrStale) || !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("%s: %v", c.name, c.err)
			}
			if c.is != nil && !errors.Is(c.err, c.is) {
				t.Errorf("%s: %v is not %v", c.name, c.err, c.is)
			}
		}
		if got := get[int](t, db, "SELECT balance FROM accounts WHERE id = 7 AND fencing_token = 0"); got != 100 {
			t.Errorf("the balance is %d", got)
		}
	})
}

// TestRowsRefusesUnguardedStatements holds the seat belt.
func TestRowsRefusesUnguardedStatements(t *testing.T) {
	db := openSQLite(t)
	createAccounts(t, db)
	for _, statement := range []string{
		"UPDATE accounts SET balance = $3 WHERE id = $1",
		"UPDATE accounts SET balance = $3, fencing_token = $2 WHERE id = $1",
		"UPDATE accounts SET balance = $3 WHERE id = $1 AND fencing_token <= $2",
		"UPDATE accounts SET balance = $3, fencing_token = $2 WHERE id = $1 AND old_fencing_token <= $2",
		"UPDATE accounts SET balance = $3, my_fencing_token = $2 WHERE id = $1 AND fencing_token <= $2",
		"UPDATE accounts SET balance = $3, fencing_token = $2 WHERE id = $1 AND fencing_token < $2",
	} {
		if err := accounts.Exec(t.Context(), db, 7, 33, statement, 1); err == nil || !strings.Contains(err.Error(), "guards nothing") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{
		"update accounts set balance=$3,FENCING_TOKEN=$2 where id=$1 and Fencing_Token<=$2",
		"UPDATE accounts SET balance = ?3, fencing_token = ?2 WHERE id = ?1 AND accounts.fencing_token\n<= ?2",
		`UPDATE accounts SET balance = $3, "fencing_token" = $2 WHERE id = $1 AND "fencing_token" <= $2`,
	} {
		if err := accounts.Exec(t.Context(), db, 7, 33, statement, 1); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, rows := range []fence.Rows{{}, {Table: "accounts"}, {Key: "id"}, {Table: "accounts; --", Key: "id"}, {Table: "accounts", Key: "id = id"}, {Table: "accounts", Key: "id", Token: "a b"}} {
		if err := rows.Claim(t.Context(), db, 7, 33); err == nil {
			t.Errorf("%+v is taken for a table with rows", rows)
		}
	}
}

// TestRowsRace keeps the history in the row itself.
func TestRowsRace(t *testing.T) {
	const write = `UPDATE accounts SET history = history || $3, fencing_token = $2 WHERE id = $1 AND fencing_token <= $2`
	onEach(t, func(t *testing.T, db *sql.DB) {
		createAccounts(t, db)
		accepted := fencetest.Race(t, 8, 25, func(token uint64) error {
			return accounts.Exec(t.Context(), db, 7, token, write, fmt.Sprintf("%d ", token))
		})
		var history []uint64
		for _, word := range strings.Fields(get[string](t, db, "SELECT history FROM accounts WHERE id = 7")) {
			token, err := fence.Parse(word)
			if err != nil {
				t.Fatal(err)
			}
			history = append(history, token)
		}
		if err := fencetest.InOrder(history, accepted); err != nil {
			t.Error(err)
		}
	})
}

// TestRowsWaits has a stale statement wait for a newer one that is not committed
// yet: the comparison must be made with what is committed then.
func TestRowsWaits(t *testing.T) {
	ctx := t.Context()
	for _, commit := range []bool{true, false} {
		t.Run(fmt.Sprintf("commit %v", commit), func(t *testing.T) {
			db := openPostgres(t)
			createAccounts(t, db)
			newer, err := db.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := accounts.Exec(ctx, newer, 7, 34, setBalance, 150); err != nil {
				t.Fatal(err)
			}
			older, err := db.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer older.Rollback() //nolint:errcheck // committed below
			pid := pidOf(t, older)
			done := make(chan error, 1)
			go func() { done <- accounts.Exec(ctx, older, 7, 33, setBalance, 90) }()
			untilItWaits(t, db, pid, done)
			if commit {
				err = newer.Commit()
			} else {
				err = newer.Rollback()
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := <-done; errors.Is(err, fence.ErrStale) != commit || !commit && err != nil {
				t.Errorf("the older write: %v", err)
			}
			if err := older.Commit(); err != nil {
				t.Fatal(err)
			}
			want := map[bool]int{true: 150, false: 90}[commit]
			if got := get[int](t, db, "SELECT balance FROM accounts WHERE id = 7"); got != want {
				t.Errorf("the balance is %d, want %d", got, want)
			}
		})
	}
}
