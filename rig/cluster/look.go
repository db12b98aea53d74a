package cluster

import (
	"time"

	"github.com/redlock-go/redlock/internal/script"
)

// Look returns what the server keeps of keys of ours: also who they are, if several have one at
// once. It asks as Keys does.
func (n *Node) Look(keys []string, within time.Duration) (map[string]script.View, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var commands [][]string
	for _, key := range keys {
		for _, command := range script.Look(key) {
			commands = append(commands, command)
		}
	}
	replies, err := n.DoAll(within, commands...)
	if err != nil {
		return nil, err
	}
	views := make(map[string]script.View)
	each := len(commands) / len(keys)
	for i, key := range keys {
		if views[key], _, err = script.ReadLook(replies[each*i : each*(i+1)]); err != nil {
			return nil, err
		}
	}
	return views, nil
}
