package goredis_test

import (
	"os"
	"testing"

	"github.com/redlock-go/redlock/internal/adaptertest"
)

// Nothing may go on when all nodes are closed.
func TestMain(m *testing.M) { os.Exit(adaptertest.Main(m)) }
