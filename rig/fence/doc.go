// Package fence holds the tests of the fencing guards that need a real
// PostgreSQL, SQLite or client library, and runnable examples of the paused
// client on each. The guards themselves are in the root module's fence.
package fence
