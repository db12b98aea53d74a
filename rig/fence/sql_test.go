//go:build unix

package fence_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
)

func TestSQLRegister(t *testing.T) {
	onEach(t, func(t *testing.T, db *sql.DB) {
		guard := fence.SQL{}
		createGuard(t, db, guard)
		fencetest.Conformance(t, guard.Register(db))
	})
}

// history is a table that keeps the order in which its rows were written, which
// only a guard can make that of the tokens: there is no lock in this statement.
const (
	historySchema = `CREATE TABLE history (place BIGINT NOT NULL, token BIGINT NOT NULL)`
	historyAppend = `INSERT INTO history (place, token) SELECT COALESCE(MAX(place), 0) + 1, $1 FROM history`
	historyRead   = `SELECT token FROM history ORDER BY place`
)

func historyOf(t *testing.T, db *sql.DB) (tokens []uint64) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), historyRead)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var token int64
		if err := rows.Scan(&token); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, uint64(token))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestSQLRace(t *testing.T) {
	onEach(t, func(t *testing.T, db *sql.DB) {
		guard := fence.SQL{}
		createGuard(t, db, guard)
		mustExec(t, db, historySchema)
		accepted := fencetest.Race(t, 8, 25, func(token uint64) error {
			return guard.Do(t.Context(), db, nil, "history", token, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), historyAppend, int64(token))
				return err
			})
		})
		if err := fencetest.InOrder(historyOf(t, db), accepted); err != nil {
			t.Error(err)
		}
	})
}

// TestSQLRaceIsolation does it at the levels of PostgreSQL at which a transaction
// that had to wait is to be run again, and at which MAX(place) would see an old
// snapshot.
func TestSQLRaceIsolation(t *testing.T) {
	for _, level := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable} {
		t.Run(level.String(), func(t *testing.T) {
			db := openPostgres(t)
			guard := fence.SQL{}
			createGuard(t, db, guard)
			mustExec(t, db, historySchema)
			accepted := fencetest.Race(t, 6, 15, func(token uint64) error {
				for {
					err := guard.Do(t.Context(), db, &sql.TxOptions{Isolation: level}, "history", token, func(tx *sql.Tx) error {
						_, err := tx.ExecContext(t.Context(), historyAppend, int64(token))
						return err
					})
					var failed *pgconn.PgError
					if !errors.As(err, &failed) || failed.Code != "40001" {
						return err
					}
					if level == sql.LevelReadCommitted {
						return fmt.Errorf("there was to be nothing to retry: %w", err)
					}
				}
			})
			if err := fencetest.InOrder(historyOf(t, db), accepted); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSQLWaits has a second holder come while the first one's transaction is
// open, in either order and with either end.
func TestSQLWaits(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second uint64
		commit        bool
		want          error
	}{
		{"the older commits", 33, 34, true, nil},
		{"the older rolls back", 33, 34, false, nil},
		{"the newer commits", 34, 33, true, &fence.StaleError{Resource: "r", Token: 33, Newest: 34}},
		{"the newer rolls back", 34, 33, false, nil},
		{"the same holder twice", 34, 34, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			db := openPostgres(t)
			guard := fence.SQL{}
			createGuard(t, db, guard)

			first, err := db.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := guard.Check(ctx, first, "r", c.first); err != nil {
				t.Fatal(err)
			}
			if err := guard.Register(db).Admit(ctx, "another", 1); err != nil {
				t.Errorf("another resource has to wait: %v", err)
			}
			second, err := db.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Rollback() //nolint:errcheck // not what is tested
			pid := pidOf(t, second)
			checked := make(chan error, 1)
			go func() { checked <- guard.Check(ctx, second, "r", c.second) }()
			untilItWaits(t, db, pid, checked)

			end := first.Rollback
			if c.commit {
				end = first.Commit
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			got := <-checked
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("Check = %v, want %v", got, c.want)
			}
		})
	}
}

func pidOf(t *testing.T, tx *sql.Tx) (pid int) {
	t.Helper()
	if err := tx.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// untilItWaits returns when the server says that the connection waits for a lock.
func untilItWaits(t *testing.T, db *sql.DB, pid int, ended <-chan error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !get[bool](t, db, "SELECT COALESCE(wait_event_type = 'Lock', false) FROM pg_stat_activity WHERE pid = $1", pid) {
		select {
		case err := <-ended:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not wait for a lock")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// TestSQLPausedInTheTransaction is a holder that is paused with the row locked:
// with the time-out that the docs recommend the next one gets in, and the
// writes of the paused one are gone.
func TestSQLPausedInTheTransaction(t *testing.T) {
	ctx := t.Context()
	db := openPostgres(t)
	guard := fence.SQL{}
	createGuard(t, db, guard)
	mustExec(t, db, historySchema)

	paused, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := paused.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = '200ms'"); err != nil {
		t.Fatal(err)
	}
	if err := guard.Check(ctx, paused, "r", 33); err != nil {
		t.Fatal(err)
	}
	if _, err := paused.ExecContext(ctx, historyAppend, 33); err != nil {
		t.Fatal(err)
	}
	err = guard.Do(ctx, db, nil, "r", 34, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, historyAppend, 34)
		return err
	})
	if err != nil {
		t.Fatalf("the next holder: %v", err)
	}
	if err := paused.Commit(); err == nil {
		t.Error("the paused holder committed")
	}
	if err := fencetest.InOrder(historyOf(t, db), []uint64{34}); err != nil {
		t.Error(err)
	}
}

func TestSQLDo(t *testing.T) {
	onEach(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		guard := fence.SQL{Table: "my_guard"}
		createGuard(t, db, guard)
		mustExec(t, db, historySchema)
		write := func(token uint64, after func() error) error {
			return guard.Do(ctx, db, nil, "r", token, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, historyAppend, int64(token)); err != nil {
					return err
				}
				return after()
			})
		}
		fine := func() error { return nil }
		if err := write(33, fine); err != nil {
			t.Fatal(err)
		}
		failed := errors.New("failed")
		if err := write(35, func() error { return failed }); !errors.Is(err, failed) {
			t.Errorf("Do = %v, want the error of the write", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Do swallowed a panic")
				}
			}()
			_ = write(36, func() error { panic("in the middle of a write") })
		}()
		// Both were rolled back, and their tokens with them.
		if err := write(34, fine); err != nil {
			t.Errorf("after a rollback: %v", err)
		}
		if err := write(33, func() error { t.Error("a stale write was run"); return nil }); !errors.Is(err, fence.ErrStale) {
			t.Errorf("Do = %v", err)
		}
		// database/sql rolls back when the context ends, at once or a little later;
		// either way the context is what Do must name.
		for _, afterwards := range []func(*sql.Tx){func(*sql.Tx) {}, untilDone} {
			cancelled, cancel := context.WithCancel(ctx)
			err := guard.Do(cancelled, db, nil, "r", 37, func(tx *sql.Tx) error {
				cancel()
				afterwards(tx)
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Do = %v when its context ended before the commit", err)
			}
		}
		if err := fencetest.InOrder(historyOf(t, db), []uint64{33, 34}); err != nil {
			t.Error(err)
		}
		if got := get[int64](t, db, "SELECT token FROM my_guard"); got != 34 {
			t.Errorf("the guard table holds %d", got)
		}
	})
}

// untilDone returns when the transaction has been rolled back.
func untilDone(tx *sql.Tx) {
	for {
		if _, err := tx.ExecContext(context.Background(), "SELECT 1"); errors.Is(err, sql.ErrTxDone) {
			return
		}
		runtime.Gosched()
	}
}

func TestSQLRefusesWhatItCannotGuard(t *testing.T) {
	onEach(t, func(t *testing.T, db *sql.DB) {
		for _, table := range []string{"a b", "a;b", `"a"`, "a.b.c", "1a", "a-b", "ä", ".a", "a.", strings.Repeat("x", 10) + "'"} {
			guard := fence.SQL{Table: table}
			if _, err := guard.Schema(); err == nil {
				t.Errorf("%q is taken as a table", table)
			}
			if err := guard.Register(db).Admit(t.Context(), "r", 33); err == nil {
				t.Errorf("%q is taken as a table", table)
			}
		}
		if err := (fence.SQL{}).Register(db).Admit(t.Context(), "r", 33); err == nil || errors.Is(err, fence.ErrStale) {
			t.Errorf("without the guard table: %v", err)
		}
	})
}

// TestSQLPrune runs the statements of docs/FENCING.md that forget old rows.
func TestSQLPrune(t *testing.T) {
	prune := map[string]string{
		"PostgreSQL": "DELETE FROM redlock_fence WHERE seen_at < CURRENT_TIMESTAMP - INTERVAL '30 days'",
		"SQLite":     "DELETE FROM redlock_fence WHERE seen_at < datetime('now', '-30 days')",
	}
	old := map[string]string{
		"PostgreSQL": "UPDATE redlock_fence SET seen_at = seen_at - INTERVAL '31 days' WHERE resource <> 'new'",
		"SQLite":     "UPDATE redlock_fence SET seen_at = datetime(seen_at, '-31 days') WHERE resource <> 'new'",
	}
	for _, database := range databases {
		t.Run(database.name, func(t *testing.T) {
			db := database.open(t)
			createGuard(t, db, fence.SQL{})
			register := fence.SQL{}.Register(db)
			for _, resource := range []string{"old", "used", "new"} {
				if err := register.Admit(t.Context(), resource, 33); err != nil {
					t.Fatal(err)
				}
			}
			mustExec(t, db, old[database.name])
			// A stale token is a sign of life too: its holder may come again.
			if err := register.Admit(t.Context(), "used", 32); !errors.Is(err, fence.ErrStale) {
				t.Fatal(err)
			}
			mustExec(t, db, prune[database.name])
			if n := get[int](t, db, "SELECT COUNT(*) FROM redlock_fence WHERE resource IN ('used', 'new')"); n != 2 {
				t.Errorf("%d of 2 rows in use are left", n)
			}
			if n := get[int](t, db, "SELECT COUNT(*) FROM redlock_fence"); n != 2 {
				t.Errorf("%d rows are left", n)
			}
			if !strings.Contains(docs(t), prune[database.name]) {
				t.Errorf("docs/FENCING.md does not show %q", prune[database.name])
			}
		})
	}
}
