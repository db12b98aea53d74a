package redlock

// brokenConn is empty: Plan 9 has no numbers for it.
var brokenConn []error
