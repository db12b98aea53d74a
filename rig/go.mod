module github.com/redlock-go/redlock/rig

go 1.26

require github.com/redlock-go/redlock v0.0.0

replace github.com/redlock-go/redlock => ..
