package run

import (
	"os"
	"syscall"
)

// Windows has no job control: consoles are shared, and nothing is stopped by
// Ctrl-Z.

const continueSignal = syscall.Signal(0)

func isContinue(os.Signal) bool { return false }

type terminal struct{}

func openTerminal(chan os.Signal) *terminal { return nil }

func (*terminal) close()                      {}
func (*terminal) started(int)                 {}
func (*terminal) stopped(syscall.Signal) bool { return false }
func (*terminal) resumed()                    {}
func (*terminal) continued() <-chan os.Signal { return nil }
func (*terminal) takeBack()                   {}
