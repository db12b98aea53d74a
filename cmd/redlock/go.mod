module github.com/redlock-go/redlock/cmd/redlock

go 1.26.0

require golang.org/x/sys v0.49.0

replace (
	github.com/redlock-go/redlock => ../..
	github.com/redlock-go/redlock/rueidis => ../../rueidis
)
