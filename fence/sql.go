package fence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
)

// SQL is a guard table: one row for each resource, with the highest token that
// it has seen. The writes that it guards may go to any tables of the same
// database. It speaks PostgreSQL and SQLite (3.35 and later).
//
//	err = fence.SQL{}.Do(ctx, db, nil, "accounts/7", lease.Token(), func(tx *sql.Tx) error {
//		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 10 WHERE id = 7")
//		return err
//	})
//
// # What holds
//
// The transactions of one resource that committed did so in the order of their
// tokens, as long as each begins with [SQL.Check], because the row that Check
// wrote stays locked until the transaction ends: a Check for the same resource
// waits for that, and then compares with what was committed. What the
// transaction read after Check can be changed by no other holder until it
// commits. A transaction that rolls back also takes its token back.
//
//   - PostgreSQL, READ COMMITTED (the default): as said, and nothing to retry.
//   - PostgreSQL, REPEATABLE READ and SERIALIZABLE: a Check that had to wait
//     fails with SQLSTATE 40001, as any write to a changed row does at those
//     levels. Run the transaction again from its beginning; the token is then
//     compared afresh. No stale token is ever admitted.
//   - SQLite has one writer at a time, so Check takes the whole database, as any
//     write does. Set a busy time-out. Let Check be the first statement: a
//     transaction that has read before may get SQLITE_BUSY, to be run again.
//
// A holder that is paused in mid-transaction keeps the row locked, and the next
// holder waits in Check until the server ends that transaction or the
// connection breaks. In PostgreSQL, set idle_in_transaction_session_timeout (to
// about the TTL of the lock) for those who write. [Rows] has no such wait.
//
// The zero value is ready for use and safe for concurrent use.
type SQL struct {
	// Table is the guard table, "redlock_fence" if empty; "schema.table" is
	// allowed. Only letters, digits and underscores: it becomes part of the
	// statement.
	Table string
}

// Schema returns the statement that creates the guard table if there is none.
//
// A resource keeps its row for ever. Rows that nobody has shown a token to for
// longer than any holder can be paused may be deleted, by seen_at.
func (s SQL) Schema() (string, error) {
	table, err := s.table()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	resource TEXT        NOT NULL PRIMARY KEY,
	token    BIGINT      NOT NULL CHECK (token BETWEEN 1 AND %d),
	seen_at  TIMESTAMPTZ NOT NULL
)`, table, MaxToken), nil
}

// Statement returns the one statement that [SQL.Check] runs, for those who do
// not use database/sql (pgx without it, for one). Its arguments are the resource
// and the token, and it returns one row with the highest token of the resource,
// which goes to [Verdict]. It must run in the transaction of the writes.
func (s SQL) Statement() (string, error) {
	table, err := s.table()
	if err != nil {
		return "", err
	}
	// The alternative, DO UPDATE … WHERE guard.token <= excluded.token, returns no
	// row for a stale token, and a second statement would have to ask for the newer
	// one. A refused token rewrites the row as it was, which the rollback undoes.
	return fmt.Sprintf(`INSERT INTO %s AS guard (resource, token, seen_at)
VALUES ($1, $2, CURRENT_TIMESTAMP)
ON CONFLICT (resource) DO UPDATE SET
	token   = CASE WHEN excluded.token > guard.token THEN excluded.token ELSE guard.token END,
	seen_at = excluded.seen_at
RETURNING token`, table), nil
}

// Check shows the token to the resource within tx. On nil, the transaction's
// writes are guarded: no other holder's transaction for this resource commits
// before this one ends. A [*StaleError] names the newer token. After any error
// the transaction must be rolled back.
//
// Check comes first in the transaction, before it reads what it will change.
func (s SQL) Check(ctx context.Context, tx *sql.Tx, resource string, token uint64) error {
	// *sql.Tx, not an interface: on a *sql.DB the check would be committed by
	// itself, and say nothing about the write that follows.
	return s.check(ctx, tx, resource, token)
}

// Do runs write in a transaction that begins with [SQL.Check], and commits it. On
// any error of either the transaction is rolled back, nothing was written, and
// the error is returned as it is. If ctx ends before the commit is sent, that is
// a rollback too. Any other error of the commit leaves it open whether the writes
// were done.
//
// The write must go through tx. With opts nil the isolation is the database's
// default.
func (s SQL) Do(ctx context.Context, db *sql.DB, opts *sql.TxOptions, resource string, token uint64, write func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("fence: begin: %w", err)
	}
	// After Commit this does nothing; after an error, or a panic of write, it is
	// the end of the transaction, and the first error is the one to report.
	defer func() { _ = tx.Rollback() }()
	if err := s.Check(ctx, tx, resource, token); err != nil {
		return err
	}
	if err := write(tx); err != nil {
		return err
	}
	err = tx.Commit()
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = context.Cause(ctx) // database/sql rolled back when ctx ended, and keeps silent about it
	}
	if err != nil {
		return fmt.Errorf("fence: commit: %w", err)
	}
	return nil
}

// Register returns a [Register] that keeps its tokens in the guard table, each
// Admit in a transaction of its own.
func (s SQL) Register(db *sql.DB) Register { return sqlRegister{s, db} }

type sqlRegister struct {
	guard SQL
	db    *sql.DB
}

// Admit implements [Register] with a statement that commits by itself.
func (r sqlRegister) Admit(ctx context.Context, resource string, token uint64) error {
	return r.guard.check(ctx, r.db, resource, token)
}

// queryer is a *sql.Tx or a *sql.DB.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s SQL) check(ctx context.Context, on queryer, resource string, token uint64) error {
	if err := valid(token); err != nil {
		return err
	}
	statement, err := s.Statement()
	if err != nil {
		return err
	}
	var newest int64
	if err := on.QueryRowContext(ctx, statement, resource, int64(token)).Scan(&newest); err != nil {
		return fmt.Errorf("fence: show token %d to %q: %w", token, resource, err)
	}
	return Verdict(resource, token, uint64(newest))
}

func (s SQL) table() (string, error) {
	if s.Table == "" {
		return "redlock_fence", nil
	}
	return identifier(s.Table)
}

var (
	names         = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)
	errIdentifier = errors.New("must be letters, digits and underscores, with at most one dot")
)

// identifier returns the name as it is, if it can stand in a statement as it is.
func identifier(name string) (string, error) {
	if !names.MatchString(name) {
		return "", fmt.Errorf("fence: name %q %w", clip(name), errIdentifier)
	}
	return name, nil
}
