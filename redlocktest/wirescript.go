package redlocktest

import (
	"fmt"
	"io"
	"strings"
)

// wireScript is what a wire server does when a channel is subscribed to.
type wireScript struct {
	says      string // instead of the confirmation
	then      string // behind the confirmation, in the same write
	deaf, cut bool   // behind that: never speaks again, or closes the connection
}

// script tells what to do when the channel is subscribed to.
func (s *wireServer) script(channel string, script wireScript) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[channel] = script
}

// subscribe is the reply to SUBSCRIBE; false ends the connection.
func (s *wireServer) subscribe(conn *wireConn, channel string) bool {
	s.mu.Lock()
	script := s.scripts[channel]
	s.mu.Unlock()
	says := script.says
	if says == "" {
		says = wireArray(3, "subscribe", channel) + ":1\r\n"
		conn.subscribed = true
	}
	conn.deaf = script.deaf
	_, err := io.WriteString(conn, says+script.then)
	return err == nil && !script.cut
}

// wireMessage is a message as a subscriber gets it.
func wireMessage(channel, message string) string {
	return wireArray(3, "message", channel, message)
}

// wireArray begins an array of n items with strings.
func wireArray(n int, items ...string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "*%d\r\n", n)
	for _, item := range items {
		fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(item), item)
	}
	return out.String()
}
