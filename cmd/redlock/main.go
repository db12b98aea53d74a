// Command redlock runs a command under a lock that is held on a quorum of
// independent Redis servers. See "redlock --help".
package main

import (
	"os"

	"github.com/redlock-go/redlock/cmd/redlock/internal/cli"
)

func main() { os.Exit(cli.Main()) }
