module github.com/redlock-go/redlock/cmd/redlock

go 1.26

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	github.com/creack/pty v1.1.24
	github.com/redlock-go/redlock v0.0.0
	github.com/redlock-go/redlock/rueidis v0.0.0
	github.com/rogpeppe/go-internal v1.16.0
	github.com/spf13/cobra v1.10.2
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

replace (
	github.com/redlock-go/redlock => ../..
	github.com/redlock-go/redlock/rueidis => ../../rueidis
)
