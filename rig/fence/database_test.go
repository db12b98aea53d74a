//go:build unix

package fence_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/redlock-go/redlock/fence"
)

// databases are what every test of the SQL guards runs on.
var databases = []struct {
	name string
	open func(t testing.TB) *sql.DB // empty
}{
	{"PostgreSQL", openPostgres},
	{"SQLite", openSQLite},
}

// onEach runs the test on an empty database of each kind.
func onEach(t *testing.T, test func(t *testing.T, db *sql.DB)) {
	for _, database := range databases {
		t.Run(database.name, func(t *testing.T) { test(t, database.open(t)) })
	}
}

func openPostgres(t testing.TB) *sql.DB {
	t.Helper()
	db, _ := thePostgres().open(t)
	return db
}

func openSQLite(t testing.TB) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// createGuard creates the guard table, twice, as a program does at each start.
func createGuard(t testing.TB, db *sql.DB, guard fence.SQL) {
	t.Helper()
	schema, err := guard.Schema()
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, schema)
	mustExec(t, db, schema)
}

func mustExec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// get reads one value.
func get[T any](t testing.TB, db *sql.DB, query string, args ...any) (value T) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}
