package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// Share is what one of several has who have a lock at once: a reader, or who has a slot.
type Share struct {
	Holder string
	Slot   string        // its number, "" for a reader
	Left   time.Duration // how long it lives yet, by the server's clock; not above 0: it is over
}

// Shares returns what those have whom the keys name: "{K}:r" the readers of the key K, and "{K}:s"
// those who have its slots. It asks as Keys does.
func (n *Node) Shares(keys []string, within time.Duration) (map[string][]Share, error) {
	commands := [][]string{{"TIME"}}
	for _, key := range keys {
		until := key // a reader's score is its end, a slot's its number
		if isSlots(key) {
			until += "x"
		}
		commands = append(commands, []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}, []string{"ZRANGE", until, "0", "-1", "WITHSCORES"})
	}
	replies, err := n.DoAll(within, commands...)
	if err != nil {
		return nil, err
	}
	now, err := millis(replies[0])
	if err != nil {
		return nil, err
	}
	shares := make(map[string][]Share)
	for i, key := range keys {
		ends := scores(replies[2+2*i])
		for holder, score := range scores(replies[1+2*i]) {
			end, _ := strconv.ParseInt(ends[holder], 10, 64) // 0 without one: it is over
			s := Share{Holder: holder, Left: time.Duration(end-now) * time.Millisecond}
			if isSlots(key) {
				s.Slot = score
			}
			shares[key] = append(shares[key], s)
		}
	}
	return shares, nil
}

func isSlots(key string) bool { return strings.HasSuffix(key, ":s") }

// millis reads the reply to TIME.
func millis(r resp.Reply) (int64, error) {
	if len(r.Items) != 2 {
		return 0, fmt.Errorf("%v is no time", r)
	}
	seconds, err1 := strconv.ParseInt(r.Items[0].Text, 10, 64)
	micros, err2 := strconv.ParseInt(r.Items[1].Text, 10, 64)
	return seconds*1000 + micros/1000, errors.Join(err1, err2)
}

// scores reads members and their scores.
func scores(r resp.Reply) map[string]string {
	all := make(map[string]string)
	for i := 0; i+1 < len(r.Items); i += 2 {
		all[r.Items[i].Text] = r.Items[i+1].Text
	}
	return all
}
