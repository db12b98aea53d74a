//go:build unix

package fence_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/fence"
)

// docs is the page whose recipes are tested here.
func docs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/FENCING.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// block is the one code block of the page that contains the line.
func block(t *testing.T, line string) string {
	t.Helper()
	var found []string
	for _, match := range fenced.FindAllStringSubmatch(docs(t), -1) {
		if strings.Contains(match[2], line+"\n") {
			found = append(found, match[2])
		}
	}
	if len(found) != 1 {
		t.Fatalf("docs/FENCING.md has %d code blocks with the line %q", len(found), line)
	}
	return found[0]
}

// TestDocsGoCode sees that each piece of Go on the page stands in a file that is
// compiled.
func TestDocsGoCode(t *testing.T) {
	var compiled strings.Builder
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		compiled.WriteString(unindent(string(text)))
	}
	pieces := 0
	for _, match := range fenced.FindAllStringSubmatch(docs(t), -1) {
		if match[1] != "go" {
			continue
		}
		pieces++
		if !strings.Contains(compiled.String(), unindent(match[2])) {
			t.Errorf("this code of docs/FENCING.md is in no test file:\n%s", match[2])
		}
	}
	if pieces < 8 {
		t.Errorf("only %d pieces of Go found", pieces)
	}
}

func unindent(code string) string {
	return regexp.MustCompile(`(?m)^\s+`).ReplaceAllString(code, "")
}

// script runs a shell script of the page and returns its exit status and output.
func script(t *testing.T, text string, env ...string) (status int, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh")
	cmd.Stdin = strings.NewReader(text)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestDocsPsql(t *testing.T) {
	db, dsn := thePostgres().open(t)
	createAccounts(t, db)
	createGuard(t, db, fence.SQL{})
	mustExec(t, db, block(t, "-- redlock_check.sql"))
	withdraw := block(t, "# withdraw.sh, in the database")
	run := func(token string) (int, string) {
		return script(t, withdraw, "REDLOCK_TOKEN="+token, "DATABASE="+dsn, "PATH="+thePostgres().bin+":"+os.Getenv("PATH"))
	}
	for _, c := range []struct {
		token           string
		status, balance int
		says            string
	}{
		{"33", 0, 90, ""},
		{"33", 0, 80, ""},
		{"35", 0, 70, ""},
		{"34", 3, 70, "fencing token 34 for accounts/7 is stale: 35 has been admitted"},
		{"0", 3, 70, "check constraint"},
		{"garbage", 3, 70, "invalid input syntax"},
		{"'; DROP TABLE accounts; --", 3, 70, "invalid input syntax"},
		{"", 2, 70, "redlock run"},
	} {
		status, output := run(c.token)
		if status != c.status || !strings.Contains(output, c.says) || c.says == "" && output != "" {
			t.Errorf("token %q: exit status %d, want %d; it said:\n%s", c.token, status, c.status, output)
		}
		if got := get[int](t, db, "SELECT balance FROM accounts WHERE id = 7"); got != c.balance {
			t.Errorf("token %q: the balance is %d, want %d", c.token, got, c.balance)
		}
	}

	// It is the same guard as that of Go.
	err := fence.SQL{}.Register(db).Admit(t.Context(), "accounts/7", 34)
	if want := (&fence.StaleError{Resource: "accounts/7", Token: 34, Newest: 35}); fmt.Sprint(err) != want.Error() {
		t.Errorf("Admit = %v, want %v", err, want)
	}
}

func TestDocsCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is not on PATH: install it (Debian: apt-get install curl)")
	}
	var body bytes.Buffer
	server := httptest.NewServer(fence.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body.Reset()
		_, _ = body.ReadFrom(r.Body)
	}), fence.HandlerConfig{Register: &fence.Memory{}}))
	defer server.Close()
	withdraw := block(t, "# withdraw.sh, through the service")
	for _, c := range []struct {
		token  string
		status int
		says   string
	}{
		{"33", 0, ""},
		{"35", 0, ""},
		{"34", 22, `"newest":35`},
		{"garbage", 22, "400"},
		{"", 2, "redlock run"},
	} {
		body.Reset()
		status, output := script(t, withdraw, "REDLOCK_TOKEN="+c.token, "SERVICE="+server.URL)
		if status != c.status || !strings.Contains(output, c.says) || (body.String() == "90") != (c.status == 0) {
			t.Errorf("token %q: exit status %d, want %d, wrote %q; it said:\n%s", c.token, status, c.status, body.String(), output)
		}
	}
}

// TestDocsAnswer holds the page's picture of a 409 against the real one.
func TestDocsAnswer(t *testing.T) {
	w := httptest.NewRecorder()
	fence.Refuse(w, &fence.StaleError{Resource: "/accounts/7", Token: 33, Newest: 34})
	if !strings.Contains(strings.ReplaceAll(docs(t), ",\n\"", `,"`), w.Body.String()) {
		t.Errorf("docs/FENCING.md does not show %s", w.Body)
	}
}
