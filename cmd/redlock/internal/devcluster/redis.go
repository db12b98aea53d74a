package devcluster

import (
	"fmt"
	"strings"

	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// admit notes on the new server that it has never granted anything, so that it
// need not sit out a quarantine, and returns its run_id.
func admit(server *redisd.Server) (runID string, err error) {
	info, err := server.Do("INFO", "server")
	if err != nil {
		return "", err
	}
	runID, ok := findRunID(info.Text)
	if !ok {
		return "", fmt.Errorf("INFO of %s tells no run_id", server.Addr())
	}
	for _, command := range script.Admit(runID) {
		reply, err := server.Do(command...)
		if err != nil {
			return "", err
		}
		if reply.Kind == resp.Error {
			return "", fmt.Errorf("%s on %s: %s", command[0], server.Addr(), reply.Text)
		}
	}
	return runID, nil
}

func findRunID(info string) (runID string, ok bool) {
	for line := range strings.Lines(info) {
		if runID, ok := strings.CutPrefix(strings.TrimSpace(line), "run_id:"); ok {
			return runID, true
		}
	}
	return "", false
}
