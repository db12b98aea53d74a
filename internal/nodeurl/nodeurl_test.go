package nodeurl

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		url, name, user, password string
		db                        int
		tls                       bool
	}{
		{url: "redis://localhost", name: "localhost:6379"},
		{url: "redis://Node1.Example.COM.:7000", name: "node1.example.com:7000"},
		{url: "REDIS://10.0.0.1:06380/", name: "10.0.0.1:6380"},
		{url: "valkey://h/3", name: "h:6379", db: 3},
		{url: "redis://h?db=4", name: "h:6379", db: 4},
		{url: "redis://[::1]:7000", name: "[::1]:7000"},
		{url: "redis://[0:0:0:0:0:0:0:1]", name: "[::1]:6379"},
		{url: "redis://[::ffff:10.0.0.1]", name: "10.0.0.1:6379"},
		{url: "redis://:secret@h", name: "h:6379", password: "secret"},
		{url: "redis://app:se%40cr%2Fet%23%3F@h:1/9", name: "h:1", user: "app", password: "se@cr/et#?", db: 9},
		{url: "rediss://h:7001/0", name: "h:7001", tls: true},
		{url: "unix:///run/redis.sock?db=2", name: "/run/redis.sock", db: 2},
		{url: "unix://app:secret@/run//redis/../r.sock", name: "/run/r.sock", user: "app", password: "secret"},
	} {
		got, err := Parse(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		var user, password string
		if got.credentials != nil {
			user, password = got.credentials()
		}
		if got.Name() != c.name || got.Database() != c.db || user != c.user || password != c.password || (got.tls != nil) != c.tls {
			t.Errorf("%s: name %q, database %d, user %q, password %q, TLS %v",
				c.url, got.Name(), got.Database(), user, password, got.tls != nil)
		}
		if printed := fmt.Sprintf("%v %+v %#v %s", got, got, got, got); c.password != "" && strings.Contains(printed, c.password) {
			t.Errorf("%s: printed with its password: %s", c.url, printed)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ url, field string }{
		{"", "scheme"},
		{"localhost:6379", "scheme"},
		{"http://h:6379", "scheme"},
		{"redis-cluster://h", "Cluster"},
		{"redis+sentinel://h", "Sentinel"},
		{"redis:h:1", "host"},
		{"redis://", "host"},
		{"redis:///0", "host"},
		{"redis://h1:1,h2:2", "URL"},
		{"redis://h:0", "port"},
		{"redis://h:70000", "port"},
		{"redis://user@h", "password"},
		{"redis://h/abc", "database"},
		{"redis://h/1/2", "database"},
		{"redis://h/-1", "database"},
		{"redis://h/1?db=2", "database"},
		{"redis://h#x", "#"},
		{"redis://h?timeout=3", "parameter"},
		{"redis://h?db=1&db=2", "parameter"},
		{"redis://h?ca=x", "rediss"},
		{"redis://h?a=%zz", "?"},
		{"rediss://h?ca=/does/not/exist", "ca"},
		{"rediss://h?cert=x", "cert"},
		{"rediss://h?insecure=1", "insecure"},
		{"unix://run/redis.sock", "path"},
		{"unix:///", "path"},
		{"unix:///s?db=x", "database"},
	} {
		_, err := Parse(c.url)
		if err == nil {
			t.Errorf("%s: accepted", c.url)
			continue
		}
		if !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: the error does not name the field %q: %v", c.url, c.field, err)
		}
	}
}

// A password that is not percent-encoded lands anywhere. It must not come back.
func TestErrorsHoldNoPassword(t *testing.T) {
	const secret = "hunter2"
	letters := []rune("@:/?#%&= [],;+")
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range 20_000 {
		var password strings.Builder
		for range 1 + random.IntN(3) {
			password.WriteString(secret)
			password.WriteRune(letters[random.IntN(len(letters))])
		}
		for _, format := range []string{"redis://%s@h:1/0", "rediss://u:%s@h", "unix://:%s@/s", "%s", "redis:%s@h", "redis://u:p@h?%s"} {
			url := fmt.Sprintf(format, password.String())
			if _, err := Parse(url); err != nil && strings.Contains(err.Error(), secret) {
				t.Fatalf("%s\n%v", url, err)
			}
		}
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"LOCALHOST:6379":    "localhost:6379",
		"[0::1]:7":          "[::1]:7",
		"/run/redis.sock":   "/run/redis.sock",
		"FailoverClient":    "FailoverClient",
		"h:notanumber":      "h:notanumber",
		"Example.com.:6379": "example.com:6379",
	} {
		if got := Address(in); got != want {
			t.Errorf("Address(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	plain, err := Parse("redis://h")
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.WithTLS(&tls.Config{}); err == nil || !strings.Contains(err.Error(), "rediss") {
		t.Errorf("TLS on a plain URL: %v", err)
	}
	if err := plain.WithCredentials(func() (string, string) { return "", "" }); err != nil {
		t.Error(err)
	}
	secured, err := Parse("rediss://:p@h")
	if err != nil {
		t.Fatal(err)
	}
	if err := secured.WithTLS(&tls.Config{}); err != nil || secured.tls.ServerName != "h" {
		t.Errorf("TLS: %v, server name %q", err, secured.tls.ServerName)
	}
	if err := secured.WithCredentials(func() (string, string) { return "", "" }); err == nil {
		t.Error("a password in the URL and as an option")
	}
}

func TestCertificateFileWithoutCertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("rediss://h?ca=" + file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}
