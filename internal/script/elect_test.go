package script

import (
	"testing"

	"github.com/redlock-go/redlock/resp"
)

func TestReadHint(t *testing.T) {
	for message, want := range map[string]struct {
		token     uint64
		leads, ok bool
	}{
		"+17": {17, true, true},
		"-17": {17, false, true},
		"+":   {}, "": {}, "17": {}, "+x": {}, "-1 ": {}, "+-3": {},
	} {
		token, leads, ok := ReadHint(message)
		if ok != want.ok || ok && (token != want.token || leads != want.leads) {
			t.Errorf("%q is read as %d, %t, %t", message, token, leads, ok)
		}
	}
}

// What a node says of a leader is read from what the lock and the election left there, be
// the value marked or not; what makes no sense is nobody, or the node's error.
func TestSightOfALeader(t *testing.T) {
	m := NewModel()
	p := Params{Key: "k", TTL: 100, Retention: 1000}
	value := Value(ID{1}, "a")
	exec := func(batch []resp.Command) (replies []resp.Reply) {
		for _, cmd := range batch {
			if eval, ok := Eval(cmd); ok {
				cmd = eval
			}
			replies = append(replies, m.Exec(10, cmd))
		}
		return replies
	}
	var pushed []string
	m.Publish = func(channel, message string) int {
		pushed = append(pushed, channel+" "+message)
		return 1
	}
	if noted, err := ReadAnnounce(exec(Announce("k", value, 7, 1000))); noted || err != nil {
		t.Error("one is elected that does not hold the key")
	}
	exec(p.Acquire(value, 7, false))
	for range 2 {
		if noted, err := ReadAnnounce(exec(Announce("k", value, 7, 1000))); !noted || err != nil {
			t.Error("the holder is not noted")
		}
	}
	m.Exec(10, resp.Command{"SETRANGE", "k", "3", "+"})
	s, err := ReadSight(exec(Sight("k")))
	if err != nil || !s.Answered || s.Holder != value || s.Elected != value || s.Term != 7 || s.Remaining.Milliseconds() != 100 {
		t.Errorf("it looks like %+v, %v", s, err)
	}
	exec(Announce("k", value, 8, 1000)) // the lease was passed on
	exec(Announce("k", value, 7, 1000)) // late
	if s, _ := ReadSight(exec(Sight("k"))); s.Term != 8 {
		t.Errorf("it looks like %+v", s)
	}
	exec(Resign("k", 8))
	if want := []string{"redlock:leader:k +7", "redlock:leader:k +8", "redlock:leader:k -8"}; len(pushed) != 3 || pushed[0] != want[0] || pushed[1] != want[1] || pushed[2] != want[2] {
		t.Errorf("pushed %q", pushed)
	}
	m.Exec(10, resp.Command{"SET", "k", ProcessID{1}.Waiter(1, 1).Reservation()})
	m.Exec(10, resp.Command{"SET", Note("k"), "rubbish"})
	if s, err := ReadSight(exec(Sight("k"))); err != nil || !s.Answered || s.Holder != "" || s.Term != 0 {
		t.Errorf("it looks like %+v, %v", s, err)
	}
	m.Exec(10, resp.Command{"DEL", "k"})
	m.Exec(10, resp.Command{"ZADD", "k", "1", "x"})
	if _, err := ReadSight(exec(Sight("k"))); err == nil {
		t.Error("a key of another type is no error")
	}
	if noted, err := ReadAnnounce(exec(Announce("k", value, 9, 1000))); noted || err == nil {
		t.Error("a key of another type is no error")
	}
	if noted, err := ReadAnnounce(nil); noted || err == nil {
		t.Error("no reply is no error")
	}
	if _, err := ReadSight(nil); err == nil {
		t.Error("no reply is no error")
	}
}
