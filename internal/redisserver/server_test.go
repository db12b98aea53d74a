package redisserver

import (
	"net"
	"testing"

	"github.com/redlock-go/redlock/resp"
)

func TestServerDiesWithTheTest(t *testing.T) {
	var s *Server
	t.Run("inner", func(t *testing.T) {
		s = Start(t, "--maxclients", "77")
		s.Freeze()
		s.Thaw()
		s.Restart()
		if got := s.Do("CONFIG", "GET", "maxclients"); got.Items[1].Text != "77" {
			t.Fatalf("after the restart: %v", got)
		}
		if got := s.DoAll([]string{"SET", "k", "v"}, []string{"GET", "k"}); !got[1].Equal(resp.OfText("v")) {
			t.Fatalf("%v", got)
		}
		s.Freeze()
	})
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Fatal("a server outlived its test, although frozen")
	}
}
