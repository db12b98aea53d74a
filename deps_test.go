package redlock_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/redlock-go/redlock"

// banned lists what packages must not import, directly or through others of this
// module, and why. A pattern that ends in "/" covers all packages below it.
var banned = []struct {
	in      []string
	imports []string
	why     string
}{
	{
		in:      []string{module},
		imports: []string{"testing", module + "/redlocktest", module + "/internal/redisd", module + "/internal/redisserver"},
		why:     "what is for tests has no place in a program that takes locks",
	},
	{
		in:      []string{module},
		imports: []string{"net/http", "os/exec", "database/sql", "html/template", "text/template"},
		why:     "these are large, and a lock needs none: the seam to the network is Node",
	},
	{
		in:      []string{module},
		imports: []string{"net"},
		why:     "connections are the adapters' business; the library itself opens none",
	},
	{
		in:      []string{module + "/internal/core", module + "/internal/quorum"},
		imports: []string{"context", "sync", "sync/atomic", "math/rand", "math/rand/v2", "crypto/rand", "os", "net", "log", "log/slog"},
		why:     "the core is pure, so that a run can be replayed from its seed: no goroutine, lock, chance, clock or I/O",
	},
	{
		in:      []string{module + "/resp"},
		imports: []string{module + "/", module},
		why:     "it is a leaf, so that adapters, scripts and the node's model can all speak of it",
	},
	{
		in:      []string{module, module + "/"},
		imports: []string{"math/rand", "io/ioutil", "plugin", "C"},
		why:     "math/rand can be seeded from outside, and alike in two processes; ioutil is deprecated; nothing here needs plug-ins or cgo",
	},
}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// TestRootRequiresNothing: whoever uses the library gets no module with it.
func TestRootRequiresNothing(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains([]string{"", "//", "module", "go"}, word) {
			t.Errorf("go.mod says %q: the root module has a name and a Go version, and needs nothing else", strings.TrimSpace(line))
		}
	}
}

// TestImports: the library and everything else in its module import the standard
// library only, and of that not what is banned. It looks at every system that
// is built for, since files for one of them may import more.
func TestImports(t *testing.T) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			all := listDeps(t, system)
			for _, p := range all {
				if !p.Standard && !covers(module+"/", p.ImportPath) && p.ImportPath != module {
					t.Errorf("the root module imports %s, which is not in the standard library", p.ImportPath)
				}
			}
			for _, ban := range banned {
				for path := range all {
					if !slices.ContainsFunc(ban.in, func(in string) bool { return covers(in, path) }) || all[path].Standard {
						continue
					}
					for _, bad := range ban.imports {
						if chain := importChain(all, path, bad); chain != nil {
							t.Errorf("%s: %s", strings.Join(chain, " imports "), ban.why)
						}
					}
				}
			}
		})
	}
}

// TestImportChainFindsOne is the proof that TestImports can fail.
func TestImportChainFindsOne(t *testing.T) {
	all := listDeps(t, "linux")
	chain := importChain(all, module, "strconv")
	if len(chain) < 2 || chain[0] != module || chain[len(chain)-1] != "strconv" {
		t.Fatalf("the way from the library to strconv: %q", chain)
	}
	if chain := importChain(all, module, "net/rpc"); chain != nil {
		t.Fatalf("the way from the library to net/rpc: %q", chain)
	}
}

// listDeps lists the packages of the root module and all that they import.
func listDeps(t *testing.T, system string) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := make(map[string]pkg)
	for in := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func covers(pattern, path string) bool {
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(path, pattern)
	}
	return path == pattern
}

// importChain returns how a package comes to import what matches the pattern,
// through packages of this module only, or nil if it does not. What the
// standard library imports is its own business.
func importChain(all map[string]pkg, from, pattern string) []string {
	via := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range all[queue[0]].Imports {
			if _, seen := via[next]; seen {
				continue
			}
			via[next] = queue[0]
			if covers(pattern, next) {
				chain := []string{next}
				for at := queue[0]; at != ""; at = via[at] {
					chain = append(chain, at)
				}
				slices.Reverse(chain)
				return chain
			}
			if !all[next].Standard {
				queue = append(queue, next)
			}
		}
	}
	return nil
}
