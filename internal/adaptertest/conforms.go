package adaptertest

import (
	"strings"
	"testing"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// password has what a URL must escape; escaped is how it stands there.
const (
	password = "p@ss/w#rd?"
	escaped  = "p%40ss%2Fw%23rd%3F"
)

// TestConforms runs the suites of redlocktest on every way to a server, and tests
// what a client with RESP3 makes of the replies.
func (a Adapter[N, Option]) TestConforms(t *testing.T) {
	t.Run("OnRedis", a.conformsOnRedis)
	t.Run("OnTheWire", a.conformsOnTheWire)
	t.Run("OnUnixSocket", a.conformsOnUnixSocket)
	t.Run("WithUserAndDatabase", a.conformsWithUserAndDatabase)
	t.Run("WithTLS", a.conformsWithTLS)
	t.Run("Wrapped", a.conformsWrapped)
	t.Run("WrappedSpeaksRESP3", a.speaksRESP3)
}

func (a Adapter[N, Option]) conformance(t *testing.T, url string) {
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node { return a.open(t, url) })
}

func (a Adapter[N, Option]) conformsOnRedis(t *testing.T) {
	server := Start(t)
	a.conformance(t, "redis://"+server.Addr())
}

func (a Adapter[N, Option]) conformsOnTheWire(t *testing.T) {
	redlocktest.WireConformance(t, func(t *testing.T, addr string) redlock.Node { return a.open(t, "redis://"+addr) })
}

func (a Adapter[N, Option]) conformsOnUnixSocket(t *testing.T) {
	server := Start(t)
	a.conformance(t, "unix://"+server.Socket()+"?db=3")
	if got := server.Do("INFO", "keyspace").Text; !strings.Contains(got, "db3:keys=1,") { // the note of Start
		t.Errorf("keys are left: %s", got)
	}
}

func (a Adapter[N, Option]) conformsWithUserAndDatabase(t *testing.T) {
	server := Start(t, "--user", "app", "on", ">"+password, "~*", "&*", "+@all")
	a.conformance(t, "redis://app:"+escaped+"@"+server.Addr()+"/2")
}

func (a Adapter[N, Option]) conformsWithTLS(t *testing.T) {
	files := redisserver.NewCertificates(t)
	server := Start(t, files.Args()...)
	query := "?ca=" + files.CA + "&cert=" + files.ClientCert + "&key=" + files.ClientKey
	a.conformance(t, "rediss://"+server.Addr()+query)

	for what, url := range map[string]string{
		"a server that no known authority vouches for": "rediss://" + server.Addr() + "?cert=" + files.ClientCert + "&key=" + files.ClientKey,
		"another name than the server's":               "rediss://" + server.Addr() + query + "&servername=other.example",
		"no certificate of ours":                       "rediss://" + server.Addr() + "?ca=" + files.CA,
		"no TLS":                                       "redis://" + server.Addr(),
	} {
		if err := Ping(t, a.open(t, url)); err == nil || !strings.HasPrefix(err.Error(), server.Addr()+": ") {
			t.Errorf("%s: %v, want an error that names the node", what, err)
		}
	}
}

func (a Adapter[N, Option]) conformsWrapped(t *testing.T) {
	server := Start(t)
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node { return a.Wrap(t, server.Addr()) })
}

func (a Adapter[N, Option]) speaksRESP3(t *testing.T) {
	server := Start(t)
	replies, err := a.Wrap(t, server.Addr()).Do(t.Context(), []resp.Command{
		{"ZADD", "z", "1785000000000001", "t", "0.5", "u"},
		{"ZSCORE", "z", "t"},
		{"ZSCORE", "z", "u"},
		{"HSET", "h", "b", "2", "a", "1"},
		{"HGETALL", "h"},
		{"EVAL", "redis.setresp(3); return {true, false, {double=1.5}}", "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]resp.Reply{
		1: resp.OfText("1785000000000001"), 2: resp.OfText("0.5"),
		4: resp.OfArray(resp.OfText("a"), resp.OfText("1"), resp.OfText("b"), resp.OfText("2")),
		5: resp.OfArray(resp.OfInt(1), resp.OfInt(0), resp.OfText("1.5")),
	} {
		if !replies[i].Equal(want) {
			t.Errorf("reply %d is %v, want %v", i, replies[i], want)
		}
	}
}
