//go:build unix

package fence_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// postgres is a PostgreSQL server of our own, in a temporary folder, listening
// on a Unix socket in it and nowhere else. It dies with the test binary.
type postgres struct {
	bin string // the folder of its programs
	dir string
	log string
}

// thePostgres is the one that all tests share, each with a schema of its own.
var thePostgres = sync.OnceValue(func() *postgres {
	p, err := startPostgres(binary)
	if err != nil {
		binary.Fatal(err)
	}
	return p
})

func startPostgres(t testing.TB) (*postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: the path of a Unix socket has room for 107 bytes only.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &postgres{bin: bin, dir: dir, log: filepath.Join(dir, "log")}

	as, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "redlock", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}

	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-F",
		"-c", "listen_addresses=", "-c", "max_connections=60", "-c", "shared_buffers=16MB")
	server.Dir, server.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	server.Stdout, server.Stderr = log, log
	dieWithParent(server.SysProcAttr)
	gone, err := launch(server)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // "immediate": no checkpoint, children ended
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			_ = server.Process.Kill()
			<-gone
		}
		_ = log.Close()
	})
	return p, p.await(gone)
}

// postgresBin finds the folder with PostgreSQL's programs. Debian keeps them off
// PATH.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("PostgreSQL is not installed: no initdb on PATH or in /usr/lib/postgresql/*/bin " +
			"(Debian: apt-get install postgresql)")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// unprivileged gives dir to a user that is not root, since PostgreSQL refuses to
// run as root, and returns that user. For anybody else it returns nil.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres or nobody: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

// launch starts the command on a thread that lives as long as it, since the
// parent-death signal is tied to the thread. gone is closed when it has ended.
func launch(cmd *exec.Cmd) (gone <-chan struct{}, err error) {
	ended, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended stands in its log
			close(ended)
		}
	}()
	return ended, <-started
}

func (p *postgres) await(gone <-chan struct{}) error {
	db, err := sql.Open("pgx", p.dsn(""))
	if err != nil {
		return err
	}
	defer db.Close()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := db.PingContext(context.Background())
		if err == nil {
			return nil
		}
		select {
		case <-gone:
		default:
			if time.Now().Before(deadline) {
				time.Sleep(10 * time.Millisecond)
				continue
			}
		}
		log, _ := os.ReadFile(p.log)
		return fmt.Errorf("postgres does not answer: %w; its log:\n%s", err, log)
	}
}

// dsn is the connection string, for libpq as well. Names are looked up in the
// schema.
func (p *postgres) dsn(schema string) string {
	dsn := "host=" + p.dir + " user=redlock dbname=postgres"
	if schema != "" {
		dsn += " options='-c search_path=" + schema + "'"
	}
	return dsn
}

var schemas atomic.Int64

// open returns the server with an empty schema, and the connection string to it.
func (p *postgres) open(t testing.TB) (db *sql.DB, dsn string) {
	t.Helper()
	schema := "s" + strconv.FormatInt(schemas.Add(1), 10)
	dsn = p.dsn(schema)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(context.Background(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return db, dsn
}
