package process

import (
	"bytes"
	"fmt"
	"os"
)

// stopped reports whether the process is stopped, or gone.
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// "123 (redis-server) T …"; the name in brackets may hold anything.
	_, after, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(" "))
	return len(after) > 0 && (after[0] == 'T' || after[0] == 't' || after[0] == 'Z')
}
