module github.com/redlock-go/redlock/rueidis

go 1.26

require (
	github.com/redis/rueidis v1.0.79
	github.com/redlock-go/redlock v0.0.0
)

require golang.org/x/sys v0.47.0 // indirect

replace github.com/redlock-go/redlock => ..
