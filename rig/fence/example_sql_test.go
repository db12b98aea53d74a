//go:build unix

package fence_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/redlock-go/redlock/fence"
)

// One guarded statement, on PostgreSQL: the row carries its own token.
func Example_rows() {
	db := openPostgres(binary)
	createAccounts(binary, db)
	read := func(ctx context.Context, _ uint64) (balance int, err error) {
		return balance, db.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE id = 7").Scan(&balance)
	}

	fmt.Println("Without the guard:")
	pausedClient(account{
		read: read,
		write: func(ctx context.Context, _ uint64, balance int) error {
			_, err := db.ExecContext(ctx, "UPDATE accounts SET balance = $1 WHERE id = 7", balance)
			return err
		},
	})
	mustExec(binary, db, "UPDATE accounts SET balance = 100")

	fmt.Println("With the guard:")
	accounts := fence.Rows{Table: "accounts", Key: "id"}
	pausedClient(account{
		read: func(ctx context.Context, token uint64) (int, error) {
			if err := accounts.Claim(ctx, db, 7, token); err != nil {
				return 0, err
			}
			return read(ctx, token)
		},
		write: func(ctx context.Context, token uint64, balance int) error {
			return accounts.Exec(ctx, db, 7, token, `
				UPDATE accounts SET balance = $3, fencing_token = $2
				WHERE id = $1 AND fencing_token <= $2`, balance)
		},
	})

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

// The guard table, on PostgreSQL: the transaction may write what it likes.
func Example_sqlPostgreSQL() {
	guardTable(openPostgres(binary))

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

// The guard table, on SQLite.
func Example_sqlSQLite() {
	guardTable(openSQLite(binary))

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

func guardTable(db *sql.DB) {
	createAccounts(binary, db)
	createGuard(binary, db, fence.SQL{})
	read := func(ctx context.Context, tx *sql.Tx) (balance int, err error) {
		return balance, tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE id = 7").Scan(&balance)
	}
	write := func(ctx context.Context, tx *sql.Tx, balance int) error {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = $1 WHERE id = 7", balance)
		return err
	}
	// do runs one transaction, guarded or not.
	story := func(do func(ctx context.Context, token uint64, work func(tx *sql.Tx) error) error) {
		pausedClient(account{
			read: func(ctx context.Context, token uint64) (balance int, err error) {
				return balance, do(ctx, token, func(tx *sql.Tx) error {
					balance, err = read(ctx, tx)
					return err
				})
			},
			write: func(ctx context.Context, token uint64, balance int) error {
				return do(ctx, token, func(tx *sql.Tx) error { return write(ctx, tx, balance) })
			},
		})
	}

	fmt.Println("Without the guard:")
	story(func(ctx context.Context, _ uint64, work func(tx *sql.Tx) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := work(tx); err != nil {
			_ = tx.Rollback()
			return err
		}
		return tx.Commit()
	})
	mustExec(binary, db, "UPDATE accounts SET balance = 100")

	fmt.Println("With the guard:")
	story(func(ctx context.Context, token uint64, work func(tx *sql.Tx) error) error {
		return fence.SQL{}.Do(ctx, db, nil, "accounts/7", token, work)
	})
}
