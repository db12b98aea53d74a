//go:build unix

package guard

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const strandedEnv = "REDLOCK_TEST_STRANDED"

// A keeper can be killed before it has said which process the command is. Then what
// it leaves is ended, and not the group that we are in, with our caller: kill(0) is
// all of those.
func TestKeeperGoneBeforeItSaidAnything(t *testing.T) {
	if os.Getenv(strandedEnv) != "" {
		child := exec.Command("sleep", "1000")
		child.SysProcAttr = commandAttr()
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		left := endNow(&brood{})
		_ = child.Process.Kill() // where it cannot be known that it is there
		if left != 0 {
			t.Errorf("%d processes are left", left)
		}
		return
	}
	us := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	us.Env = append(os.Environ(), strandedEnv+"=1")
	us.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out, err := us.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
