package fence_test

import (
	"fmt"

	"github.com/redlock-go/redlock/fence"
)

// The guard table is created at each start of the program, or by a migration.
func ExampleSQL_Schema() {
	fmt.Println(fence.SQL{}.Schema())
	// Output:
	// CREATE TABLE IF NOT EXISTS redlock_fence (
	// 	resource TEXT        NOT NULL PRIMARY KEY,
	// 	token    BIGINT      NOT NULL CHECK (token BETWEEN 1 AND 9007199254740991),
	// 	seen_at  TIMESTAMPTZ NOT NULL
	// ) <nil>
}

// Without database/sql: run this first in the transaction of the writes, with the resource and
// the token, and give the one value that it returns to [fence.Verdict].
func ExampleSQL_Statement() {
	fmt.Println(fence.SQL{Table: "bank.fence"}.Statement())
	// Output:
	// INSERT INTO bank.fence AS guard (resource, token, seen_at)
	// VALUES ($1, $2, CURRENT_TIMESTAMP)
	// ON CONFLICT (resource) DO UPDATE SET
	// 	token   = CASE WHEN excluded.token > guard.token THEN excluded.token ELSE guard.token END,
	// 	seen_at = excluded.seen_at
	// RETURNING token <nil>
}
