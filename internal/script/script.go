// Package script holds everything that is said to a node: the batches of plain
// commands for the ordinary path, the Lua scripts for the rest, the reading of
// the replies, and beside them a node as a Go model, the executable
// specification that the differential test holds against a real server.
//
// Names and values are always arguments and never part of a script's text.
package script

import (
	"crypto/sha1" //nolint:gosec // EVALSHA names a script by its SHA-1; nothing is secured by it.
	_ "embed"     // the scripts
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/redlock-go/redlock/resp"
)

// Script is one Lua script. Its source is constant.
type Script struct {
	Name   string
	Source string
	SHA    string // hex, as EVALSHA wants it
}

// The scripts, each documented in the header of its file.
var (
	//go:embed queue.lua
	queueSource string
	//go:embed take.lua
	takeSource string
	//go:embed release.lua
	releaseSource string
	//go:embed extend.lua
	extendSource string
	//go:embed extend_many.lua
	extendManySource string
	//go:embed raise.lua
	raiseSource string
	//go:embed evicting.lua
	evictingSource string
	//go:embed evict.lua
	evictSource string
	//go:embed evict_slot.lua
	evictSlotSource string
	//go:embed evict_reader.lua
	evictReaderSource string
	//go:embed tell_evicted.lua
	tellEvictedSource string
	//go:embed announce.lua
	announceSource string
	//go:embed share.lua
	shareSource string
	//go:embed read_take.lua
	readTakeSource string
	//go:embed read_raise.lua
	readRaiseSource string
	//go:embed read_extend.lua
	readExtendSource string
	//go:embed read_release.lua
	readReleaseSource string
	//go:embed slots.lua
	slotsSource string
	//go:embed take_slot.lua
	takeSlotSource string
	//go:embed release_slot.lua
	releaseSlotSource string
	//go:embed extend_slot.lua
	extendSlotSource string
	//go:embed raise_slot.lua
	raiseSlotSource string

	TakeScript    = compile("take", queueSource+takeSource)
	ReleaseScript = compile("release", queueSource+releaseSource)
	ExtendScript  = compile("extend", extendSource)
	RaiseScript   = compile("raise", raiseSource)

	//go:embed all.lua
	allSource string
	//go:embed take_all.lua
	takeAllSource string
	//go:embed release_all.lua
	releaseAllSource string
	//go:embed extend_all.lua
	extendAllSource string
	//go:embed raise_all.lua
	raiseAllSource string

	TakeAllScript    = compile("take_all", queueSource+allSource+takeAllSource)
	ReleaseAllScript = compile("release_all", queueSource+allSource+releaseAllSource)
	ExtendAllScript  = compile("extend_all", queueSource+allSource+extendAllSource)
	RaiseAllScript   = compile("raise_all", queueSource+allSource+raiseAllSource)

	//go:embed hand.lua
	handSource string

	HandScript = compile("hand", handSource)

	AnnounceScript = compile("announce", announceSource)

	ExtendManyScript = compile("extend_many", extendManySource)

	EvictScript       = compile("evict", queueSource+evictingSource+evictSource)
	EvictSlotScript   = compile("evict_slot", queueSource+slotsSource+evictingSource+evictSlotSource+releaseSlotSource)
	EvictReaderScript = compile("evict_reader", queueSource+shareSource+evictingSource+evictReaderSource+readReleaseSource)
	TellEvictedScript = compile("tell_evicted", tellEvictedSource)

	ReadTakeScript    = compile("read_take", queueSource+shareSource+readTakeSource)
	ReadRaiseScript   = compile("read_raise", queueSource+shareSource+readRaiseSource)
	ReadExtendScript  = compile("read_extend", queueSource+shareSource+readExtendSource)
	ReadReleaseScript = compile("read_release", queueSource+shareSource+readReleaseSource)
	TakeSlotScript    = compile("take_slot", queueSource+slotsSource+takeSlotSource)
	ReleaseSlotScript = compile("release_slot", queueSource+slotsSource+releaseSlotSource)
	ExtendSlotScript  = compile("extend_slot", queueSource+slotsSource+extendSlotSource)
	RaiseSlotScript   = compile("raise_slot", queueSource+slotsSource+raiseSlotSource)

	// All lists every script, for SCRIPT LOAD, the model and the ACL test.
	All = []*Script{
		TakeScript, ReleaseScript, ExtendScript, ExtendManyScript, RaiseScript,
		TakeAllScript, ReleaseAllScript, ExtendAllScript, RaiseAllScript,
		ReadTakeScript, ReadRaiseScript, ReadExtendScript, ReadReleaseScript,
		TakeSlotScript, ReleaseSlotScript, ExtendSlotScript, RaiseSlotScript,
		HandScript, AnnounceScript, EvictScript, EvictSlotScript, EvictReaderScript, TellEvictedScript,
	}
)

func compile(name, source string) *Script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return &Script{Name: name, Source: source, SHA: hex.EncodeToString(sum[:])}
}

// BySHA returns the script with that SHA, or nil.
func BySHA(sha string) *Script {
	for _, s := range All {
		if s.SHA == sha {
			return s
		}
	}
	return nil
}

// call builds the EVALSHA of a script. A node that does not know the script
// answers NOSCRIPT, having done nothing; Eval then turns the same command
// into one that carries the source.
func (s *Script) call(keys []string, args ...string) resp.Command {
	cmd := make(resp.Command, 0, 3+len(keys)+len(args))
	cmd = append(cmd, "EVALSHA", s.SHA, strconv.Itoa(len(keys)))
	cmd = append(cmd, keys...)
	return append(cmd, args...)
}

// before builds the EVALSHA of a script that ends with another one: that one's call, with one key
// and some arguments more.
func (s *Script) before(call resp.Command, key string, args ...string) resp.Command {
	n, _ := strconv.Atoi(call[2]) // as in call
	keys := append(slices.Clone(call[3:3+n:3+n]), key)
	return s.call(keys, append(slices.Clone(call[3+n:]), args...)...)
}

// Eval returns the EVAL that does the same as the EVALSHA cmd, and loads the
// script on the way; ok is false if cmd is no EVALSHA of a script of ours.
func Eval(cmd resp.Command) (eval resp.Command, ok bool) {
	if len(cmd) < 3 || cmd[0] != "EVALSHA" {
		return nil, false
	}
	s := BySHA(cmd[1])
	if s == nil {
		return nil, false
	}
	eval = append(resp.Command{"EVAL", s.Source}, cmd[2:]...)
	return eval, true
}
