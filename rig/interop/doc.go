// Package interop has this library and other Redlock clients want the same key on
// the same servers: redsync, and from the npm registry redlock (its last stable
// version and the beta that most people use) and redlock-universal. Each runs with
// its own defaults; only the key and the TTL are given.
//
// The tests hold and wait in both directions, extend while somebody waits, kill
// holders, and have all of them at one key at once. A [Witness], which knows no lock
// and no clock but its own, sees who is inside.
//
// The clients for Node.js are in nodejs/, one process each; `make test` installs them.
package interop
