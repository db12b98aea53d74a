// Package fence is the resource's side of fencing tokens: the check without
// which a token is decoration.
//
// A lock cannot stop a holder that does not know yet that it lost the lock: a
// process that the system has paused, a packet that the network has delayed.
// So every lease carries a token, a number that is higher than that of every
// lease of the same key before it ([redlock.Lease.Token]), the holder sends it
// with each write, and the resource refuses a write whose token is lower than
// one that it has seen. An equal token is admitted: one holder writes many
// times.
//
// The rule is the same everywhere, and [Verdict] is its only copy. What differs
// is how the comparison and the write become one step, for only then does it
// hold: a check that comes before the write is as old as the pause between them.
//
//   - [SQL] is a guard table for PostgreSQL and SQLite: one statement at the
//     beginning of a transaction, whose row lock lasts until the commit.
//   - [Rows] is for a table whose rows carry their own token in a column: one
//     guarded UPDATE, no transaction.
//   - [Redis] runs commands in one script with the comparison.
//   - [Handler] guards an HTTP service, and [Transport] sends the token of the
//     lease that the request's context belongs to.
//
// What is promised is an order: the writes that a resource accepted are in the
// order of their tokens. A write of an old holder is accepted as long as the
// resource has not seen the new holder's token, so a holder that reads before
// it writes shows its token *before it reads*. Then nothing that it read can be
// changed under it by an older holder. [SQL.Check], [Rows.Claim], [Redis.Do]
// with a GET, and a GET request with the token each do that.
//
// docs/FENCING.md tells how to use all this, also from a shell script, and what
// to do about things that cannot be fenced.
package fence
