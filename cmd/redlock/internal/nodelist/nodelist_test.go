package nodelist_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/nodelist"
)

func TestFind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nodes")
	text := "# the nodes\nredis://f1:1\n\n  rediss://:pw%23@f2:2, redis://f3:3 # the third\nunix:///tmp/a#b\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inFile := []string{"redis://f1:1", "rediss://:pw%23@f2:2", "redis://f3:3", "unix:///tmp/a#b"}
	for _, c := range []struct {
		name    string
		flags   []string
		env     string
		want    []string
		exposed bool
	}{
		{name: "one flag", flags: []string{"redis://a:1,redis://b:2"}, want: []string{"redis://a:1", "redis://b:2"}},
		{name: "repeated", flags: []string{"redis://a:1", "redis://b:2, redis://c:3"}, want: []string{"redis://a:1", "redis://b:2", "redis://c:3"}},
		{name: "flags go first", flags: []string{"redis://a:1"}, env: "redis://e:1", want: []string{"redis://a:1"}},
		{name: "environment", env: " redis://a:1,redis://b:2\n redis://c:3 ", want: []string{"redis://a:1", "redis://b:2", "redis://c:3"}},
		{name: "file", flags: []string{"@" + file}, want: inFile},
		{name: "file and more", flags: []string{"redis://a:1,@" + file}, want: append([]string{"redis://a:1"}, inFile...)},
		{name: "file in the environment", env: "@" + file, want: inFile},
		{name: "password in a flag", flags: []string{"redis://:secret@a:1"}, want: []string{"redis://:secret@a:1"}, exposed: true},
		{name: "odd password in a flag", flags: []string{"redis://u:a/b@c@h:1"}, want: []string{"redis://u:a/b@c@h:1"}, exposed: true},
		{name: "user alone is no secret", flags: []string{"redis://user@a:1"}, want: []string{"redis://user@a:1"}},
		{name: "password in the environment", env: "redis://:secret@a:1", want: []string{"redis://:secret@a:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := nodelist.Find(c.flags, c.env)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.URLs, c.want) || got.Exposed != c.exposed {
				t.Errorf("got %q, exposed %t; want %q, %t", got.URLs, got.Exposed, c.want, c.exposed)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	dir := t.TempDir()
	empty, bad := filepath.Join(dir, "empty"), filepath.Join(dir, "bad")
	for name, text := range map[string]string{empty: "# none\n", bad: "redis://a:1\nhunter2\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		flags []string
		env   string
		want  string
	}{
		"nothing":             {want: "no nodes are given"},
		"only commas":         {env: " ,, ", want: "no nodes are given"},
		"empty flag":          {flags: []string{""}, want: "node 1 is empty"},
		"comma in a password": {flags: []string{"redis://:hun,ter2@a:1"}, want: "--nodes: node 2 is no URL"},
		"no such file":        {flags: []string{"@" + filepath.Join(dir, "none")}, want: "no such file"},
		"empty file":          {flags: []string{"@" + empty}, want: "lists no nodes"},
		"bad file":            {env: "@" + bad, want: "line 2: node 2 is no URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := nodelist.Find(c.flags, c.env)
			var failure *exit.Error
			if !errors.As(err, &failure) || failure.Status != exit.Failure {
				t.Fatalf("got %v, want a failure with status 125", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to say %q", err, c.want)
			}
			if strings.Contains(err.Error()+failure.Hint, "ter2") {
				t.Errorf("the error holds a part of a password: %q", err)
			}
		})
	}
}
