//go:build !linux

package cluster

import "errors"

var errNoDisk = errors.New("the disk of a running server can be filled on Linux only")

// FillDisk is not possible here.
func (n *Node) FillDisk() error { return errNoDisk }

// FreeDisk has nothing to do.
func (n *Node) FreeDisk() error { return nil }

// DiskSupported says that FillDisk is not possible here.
func DiskSupported() error { return errNoDisk }

func outliveFullDisk() {}
