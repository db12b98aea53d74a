//go:build unix

package fence_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/redlock-go/redlock/fence"
)

// A transaction of your own begins with the check. The stale one is rolled back.
func Example_sqlCheck() {
	db := openSQLite(binary)
	createAccounts(binary, db)
	createGuard(binary, db, fence.SQL{})
	ctx := context.Background()
	withdraw := func(token uint64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // nothing after a commit
		if err := (fence.SQL{}).Check(ctx, tx, "accounts/7", token); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 10 WHERE id = 7"); err != nil {
			return err
		}
		return tx.Commit()
	}

	fmt.Println(withdraw(33))
	fmt.Println(withdraw(34))
	fmt.Println(withdraw(33))
	fmt.Println(get[int](binary, db, "SELECT balance FROM accounts WHERE id = 7"))
	// Output:
	// <nil>
	// <nil>
	// fence: token 33 for "accounts/7" is stale: 34 has been admitted
	// 80
}

// Do is the same with the transaction around it.
func Example_sqlDo() {
	db := openSQLite(binary)
	createAccounts(binary, db)
	createGuard(binary, db, fence.SQL{})
	ctx := context.Background()
	withdraw := func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 10 WHERE id = 7")
		return err
	}

	fmt.Println(fence.SQL{}.Do(ctx, db, nil, "accounts/7", 34, withdraw))
	fmt.Println(fence.SQL{}.Do(ctx, db, nil, "accounts/7", 33, withdraw))
	fmt.Println(get[int](binary, db, "SELECT balance FROM accounts WHERE id = 7"))
	// Output:
	// <nil>
	// fence: token 33 for "accounts/7" is stale: 34 has been admitted
	// 90
}

// As a register, for a [fence.Handler] that outlives its process.
func Example_sqlRegister() {
	db := openSQLite(binary)
	createGuard(binary, db, fence.SQL{})
	ctx := context.Background()

	fmt.Println(fence.SQL{}.Register(db).Admit(ctx, "/accounts/7", 34))
	fmt.Println(fence.SQL{}.Register(db).Admit(ctx, "/accounts/7", 33)) // after a restart
	// Output:
	// <nil>
	// fence: token 33 for "/accounts/7" is stale: 34 has been admitted
}

// By hand, as with a driver that is not database/sql's.
func Example_sqlStatement() {
	db := openSQLite(binary)
	createGuard(binary, db, fence.SQL{})
	statement, err := fence.SQL{}.Statement()
	check(err)
	for _, token := range []uint64{34, 33} {
		newest := get[uint64](binary, db, statement, "accounts/7", token)
		fmt.Println(newest, fence.Verdict("accounts/7", token, newest))
	}
	// Output:
	// 34 <nil>
	// 34 fence: token 33 for "accounts/7" is stale: 34 has been admitted
}

// The row has seen B's token, by a claim or a write, and A's statement changes nothing.
func Example_rowsExec() {
	db := openSQLite(binary)
	createAccounts(binary, db)
	accounts := fence.Rows{Table: "accounts", Key: "id"}
	ctx := context.Background()
	const set = "UPDATE accounts SET balance = ?3, fencing_token = ?2 WHERE id = ?1 AND fencing_token <= ?2"

	fmt.Println(accounts.Claim(ctx, db, 7, 33))          // A, before it reads
	fmt.Println(accounts.Claim(ctx, db, 7, 34))          // B, before it reads
	fmt.Println(accounts.Exec(ctx, db, 7, 33, set, 90))  // A
	fmt.Println(accounts.Exec(ctx, db, 7, 34, set, 150)) // B
	fmt.Println(accounts.Exec(ctx, db, 8, 34, set, 150)) // no such row
	// A statement without the comparison is not even sent.
	fmt.Println(accounts.Exec(ctx, db, 7, 34, "UPDATE accounts SET balance = ?3 WHERE id = ?1 AND ?2 > 0", 0))
	fmt.Println(get[int](binary, db, "SELECT balance FROM accounts WHERE id = 7"))
	// Output:
	// <nil>
	// <nil>
	// fence: token 33 for "accounts/7" is stale: 34 has been admitted
	// <nil>
	// fence: there is no row "accounts/8": sql: no rows in result set
	// fence: the statement guards nothing: it must contain both "fencing_token <= …" and "fencing_token = …"
	// 150
}
