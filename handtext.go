package redlock

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/script"
)

// The text of a lease that was handed over is
//
//	rlh1.<base64url of: a CRC-32 of the rest; nodes, TTL in ms, token, key, value, and the
//	first 8 bytes of the SHA-256 of the name of each node that votes>
//
// with numbers as uvarints, and the length before each string.
const (
	textFormat   = "rlh1."
	mostText     = 8 << 10
	mostNodes    = 255
	mostTTLInMS  = 1 << 40
	maxTextToken = 1 << 53
)

var errNoText = errors.New("redlock: this is not the text of a lease that was handed over")

// Handed is what the text of a lease that was handed over says of it, but for what makes it
// a secret.
type Handed struct {
	Key   string        // the key on the nodes: prefix and name
	Token uint64        // the fencing token, which stays the same
	TTL   time.Duration // of the holder that handed it over
	Nodes int           // how many nodes it is on
}

// ReadHandoff says what lease the text is of, which [Lease.Handoff] has returned. It asks no
// node, so it cannot tell whether the lease is valid yet. It may be called by many
// goroutines at once.
func ReadHandoff(text string) (Handed, error) {
	h, err := parseHanded(text)
	return h.Handed, err
}

// handed is all that the text says.
type handed struct {
	Handed
	value  string
	voters []nodeMark
}

// nodeMark is a node's name, for comparing only.
type nodeMark [8]byte

func markOf(name string) (m nodeMark) {
	sum := sha256.Sum256([]byte(name))
	copy(m[:], sum[:])
	return m
}

// text writes it down.
func (h handed) text() string {
	b := make([]byte, 4, 256)
	for _, n := range []uint64{uint64(h.Nodes), uint64(h.TTL.Milliseconds()), h.Token} {
		b = binary.AppendUvarint(b, n)
	}
	for _, s := range []string{h.Key, h.value} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	for _, m := range h.voters {
		b = append(b, m[:]...)
	}
	binary.BigEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return textFormat + base64.RawURLEncoding.EncodeToString(b)
}

// parseHanded reads a text; space around it, as of a line of a file, is no part of it. The errors do
// not repeat the text, which is a secret.
func parseHanded(text string) (handed, error) {
	text = strings.TrimSpace(text)
	rest, ok := strings.CutPrefix(text, textFormat)
	switch {
	case !ok && strings.HasPrefix(text, "rlh"):
		return handed{}, fmt.Errorf("%w of a format that is known here: it begins with %.5q, and not with %q", errNoText, text, textFormat)
	case !ok:
		return handed{}, fmt.Errorf("%w: it does not begin with %q", errNoText, textFormat)
	case len(text) > mostText:
		return handed{}, fmt.Errorf("%w: it is too long", errNoText)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil || len(b) < 4 || crc32.ChecksumIEEE(b[4:]) != binary.BigEndian.Uint32(b) {
		return handed{}, fmt.Errorf("%w: a part of it is missing, or was changed", errNoText)
	}
	r := textReader{b: b[4:]}
	nodes, ttl, token := r.number(), r.number(), r.number()
	h := handed{Handed: Handed{Key: r.string(), Token: token, TTL: time.Duration(ttl) * time.Millisecond, Nodes: int(nodes)}, value: r.string()}
	for len(r.b) >= len(nodeMark{}) {
		h.voters = append(h.voters, nodeMark(r.b[:len(nodeMark{})]))
		r.b = r.b[len(nodeMark{}):]
	}
	_, ours := script.Label(h.value)
	if r.short || len(r.b) > 0 || nodes == 0 || nodes > mostNodes || len(h.voters) > int(nodes) ||
		ttl == 0 || ttl > mostTTLInMS || token == 0 || token >= maxTextToken || h.Key == "" || !ours || script.Unmarked(h.value) != h.value {
		return handed{}, fmt.Errorf("%w: what it says makes no sense", errNoText)
	}
	return h, nil
}

// textReader takes one field after the other.
type textReader struct {
	b     []byte
	short bool
}

func (r *textReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *textReader) string() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.short, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
