package fence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Rows guards a table whose rows carry their own token:
//
//	ALTER TABLE accounts ADD COLUMN fencing_token BIGINT NOT NULL DEFAULT 0;
//
// Each write is one statement of yours that compares the token, writes it, and
// writes the data:
//
//	accounts := fence.Rows{Table: "accounts", Key: "id"}
//	err := accounts.Exec(ctx, db, 7, lease.Token(), `
//		UPDATE accounts SET balance = $3, fencing_token = $2
//		WHERE id = $1 AND fencing_token <= $2`, 90)
//
// # What holds
//
// The writes to one row that were done were done in the order of their tokens.
// The comparison is made on the row as it is when the statement has locked it,
// so this needs no transaction, and holds at every isolation level of PostgreSQL
// and SQLite. Nothing stays locked between two statements, so a paused holder
// delays nobody. It holds for one row: if one lock protects several rows or
// tables, use [SQL]. And it holds for statements with the comparison only: one
// write elsewhere in the program without it, and the order is lost.
//
// A holder that reads before it writes calls [Rows.Claim] before it reads.
//
// A row that is deleted takes its token with it: an upsert with a stale token
// may then bring it back. Mark it as deleted instead, or use [SQL].
//
// A Rows is safe for concurrent use.
type Rows struct {
	Table string // "accounts" or "schema.accounts"
	Key   string // the column that names the row
	Token string // the column with its token; "fencing_token" if empty
}

// Querier is a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Exec runs one guarded statement, an UPDATE or an upsert:
//
//	INSERT INTO accounts (id, fencing_token, balance) VALUES ($1, $2, $3)
//	ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, fencing_token = excluded.fencing_token
//	WHERE accounts.fencing_token <= excluded.fencing_token
//
// The statement's first argument is the key, its second the token; args are the
// third and on. Write them $1, $2, $3 for PostgreSQL, ?1, ?2, ?3 for SQLite.
//
// On nil the row was written. If the statement changed no row, the row is asked
// why: a [*StaleError] names the newer token, and an error that wraps
// [sql.ErrNoRows] says that there is no such row, or that the token is not stale
// and so another condition of the statement kept it from writing. After any
// other error of the database the row may have been written or not.
//
// A statement that does not both compare the column ("fencing_token <=") and set
// it ("fencing_token =") is refused before it is sent, since it would guard
// nothing, in silence. That is a seat belt, not a parser.
func (r Rows) Exec(ctx context.Context, db Querier, key any, token uint64, statement string, args ...any) error {
	if err := valid(token); err != nil {
		return err
	}
	columns, err := r.columns()
	if err != nil {
		return err
	}
	if !guarded(statement, columns.Token) {
		return fmt.Errorf("fence: the statement guards nothing: it must contain both %q and %q",
			columns.Token+" <= …", columns.Token+" = …")
	}
	return columns.exec(ctx, db, key, token, statement, args)
}

// Claim shows the token to the row and changes nothing else: from then on no
// older holder can write to it. Call it before you read what you will change.
// The errors are those of [Rows.Exec].
func (r Rows) Claim(ctx context.Context, db Querier, key any, token uint64) error {
	if err := valid(token); err != nil {
		return err
	}
	columns, err := r.columns()
	if err != nil {
		return err
	}
	statement := fmt.Sprintf("UPDATE %[1]s SET %[2]s = $1 WHERE %[3]s = $2 AND %[2]s <= $3",
		columns.Table, columns.Token, columns.Key)
	result, err := db.ExecContext(ctx, statement, int64(token), key, int64(token))
	return columns.outcome(ctx, db, key, token, result, err)
}

func (r Rows) exec(ctx context.Context, db Querier, key any, token uint64, statement string, args []any) error {
	all := append([]any{key, int64(token)}, args...)
	result, err := db.ExecContext(ctx, statement, all...)
	return r.outcome(ctx, db, key, token, result, err)
}

// outcome tells what a guarded statement did.
func (r Rows) outcome(ctx context.Context, db Querier, key any, token uint64, result sql.Result, err error) error {
	resource := fmt.Sprintf("%s/%v", r.Table, key)
	if err != nil {
		return fmt.Errorf("fence: write to %q with token %d: %w", resource, token, err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("fence: the driver does not say whether %q was written: %w", resource, err)
	}
	if changed > 0 {
		return nil
	}

	var newest sql.NullInt64
	read := fmt.Sprintf("SELECT %s FROM %s WHERE %s = $1", r.Token, r.Table, r.Key)
	err = db.QueryRowContext(ctx, read, key).Scan(&newest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("fence: there is no row %q: %w", resource, err)
	case err != nil:
		return fmt.Errorf("fence: %q was not written, and why cannot be found out: %w", resource, err)
	case !newest.Valid:
		return fmt.Errorf("fence: %q was not written: its %s is NULL; declare the column NOT NULL DEFAULT 0", resource, r.Token)
	}
	if err := Verdict(resource, token, uint64(newest.Int64)); err != nil {
		return err
	}
	return fmt.Errorf("fence: %q was not written: token %d is not stale, so another condition of the statement did not hold: %w",
		resource, token, sql.ErrNoRows)
}

// columns returns r with its default filled in and every name checked.
func (r Rows) columns() (Rows, error) {
	if r.Token == "" {
		r.Token = "fencing_token"
	}
	for _, name := range []string{r.Table, r.Key, r.Token} {
		if _, err := identifier(name); err != nil {
			return r, err
		}
	}
	return r, nil
}

// uses finds each name that is compared or set: the name, then "<=" or "=".
var uses = regexp.MustCompile(`\b([A-Za-z_][A-Za-z0-9_]*)"?\s*(<=|=)`)

// guarded reports whether the statement both compares and sets the column.
func guarded(statement, column string) bool {
	compares, sets := false, false
	for _, use := range uses.FindAllStringSubmatch(statement, -1) {
		if strings.EqualFold(use[1], column) {
			compares = compares || use[2] == "<="
			sets = sets || use[2] == "="
		}
	}
	return compares && sets
}
