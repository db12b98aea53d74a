package rig

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestConsumersGetNothingOfOurs builds a program that imports the library and an
// adapter, outside of this repository, as a user's program is. Its modules must be
// those that the client library alone brings, at the same versions, and ours:
// nothing that we test with, and no other client.
func TestConsumersGetNothingOfOurs(t *testing.T) {
	const lock = "github.com/redlock-go/redlock"
	for _, a := range []struct{ adapter, client string }{
		{"goredis", "github.com/redis/go-redis/v9"},
		{"rueidis", "github.com/redis/rueidis"},
	} {
		t.Run(a.adapter, func(t *testing.T) {
			version := requirement(t, filepath.Join("..", a.adapter, "go.mod"), a.client)
			alone := modules(t, map[string]string{a.client: version}, a.client)
			ours := modules(t, map[string]string{lock: "", lock + "/" + a.adapter: ""}, lock, lock+"/"+a.adapter)

			want := maps.Clone(alone)
			want[lock] = "v0.0.0"
			want[lock+"/"+a.adapter] = "v0.0.0"
			for module, version := range ours {
				if want[module] != version {
					t.Errorf("a program with the %s adapter has %s %s; with the client alone %q", a.adapter, module, version, want[module])
				}
			}
			for module := range want {
				if ours[module] == "" {
					t.Errorf("a program with the %s adapter has no %s", a.adapter, module)
				}
			}
			t.Logf("with the adapter: %q", slices.Sorted(maps.Keys(ours)))
		})
	}
}

// requirement reads from a go.mod which version of a module it requires.
func requirement(t *testing.T, path, module string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	ok(t, err)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == module {
			return fields[1]
		}
	}
	t.Fatalf("%s does not require %s", path, module)
	return ""
}

// modules makes a program that requires some modules and imports some packages,
// builds it, and returns what `go list -m all` says of it, without the program
// itself. A requirement without a version is a module of this repository.
func modules(t *testing.T, require map[string]string, imports ...string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	ok(t, err)
	mod := "module example.org/consumer\n\ngo 1.26.0\n"
	for module, version := range require {
		if version != "" {
			mod += fmt.Sprintf("require %s %s\n", module, version)
			continue
		}
		mod += fmt.Sprintf("require %s v0.0.0\nreplace %s => %s\n", module, module,
			filepath.Join(root, strings.TrimPrefix(module, "github.com/redlock-go/redlock")))
	}
	var program strings.Builder
	program.WriteString("package main\n\nimport (\n")
	for _, path := range imports {
		fmt.Fprintf(&program, "\t_ %q\n", path)
	}
	program.WriteString(")\n\nfunc main() {}\n")
	ok(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644))
	ok(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program.String()), 0o644))
	// The checksums of what is in use here are all that it needs.
	sums, err := os.ReadFile("go.sum")
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644))

	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return string(out)
	}
	run("build", "-o", os.DevNull, ".")
	all := make(map[string]string)
	for line := range strings.Lines(run("list", "-m", "-f", "{{.Path}} {{.Version}} {{.Main}}", "all")) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[2] == "false" {
			all[fields[0]] = fields[1]
		}
	}
	return all
}
