package core

// none is the established round of a node on which the key is not ours.
const none = ^uint32(0)

// seat is what a claim knows of its key on one node. A process may hold very many
// leases: what is not needed for one that is well is behind a pointer.
type seat struct {
	op      Op     // the request under way, 0 if none
	overdue bool   // it is past the per-node deadline, and no longer waited for
	doubt   bool   // the key may be there: the fate of an Ask is unknown
	freed   bool   // at the end: known to be free of our key
	left    bool   // at the end: it was told to release, as far as it can be told
	ballot  ballot // this round's
	answer  Answer // the last answer that explains the ballot, and
	accepts bool   // whether it accepted the token
	round   uint32 // the round in which the request under way was sent
	slot    int32  // the slot that was granted last

	// established is the first round whose success proves that the node has
	// held our key ever since: the node votes in a later round only if
	// established <= good (I9). none: the key is not ours there.
	established uint32
	sentAt      Time  // when the round of the request under way began
	provenAt    Time  // the same of the last request whose answer was that the key is ours
	more        *Vote // the whole answer, if there is more to it
}

// hear takes note of an answer that explains the ballot.
func (s *seat) hear(v Vote) {
	s.answer, s.accepts, s.more = v.Answer, v.Accepted, nil
	if (v != Vote{Answer: v.Answer, Accepted: v.Accepted, Slot: v.Slot}) {
		more := v
		s.more = &more
	}
}

// vote is the last answer that explains the ballot.
func (s *seat) vote() Vote {
	if s.more != nil {
		return *s.more
	}
	return Vote{Answer: s.answer, Accepted: s.accepts, Slot: int(s.slot)}
}

// mayHold reports whether the key may be ours on that node.
func (s *seat) mayHold() bool { return s.established != none || s.doubt }

type ballot uint8

const (
	unasked ballot = iota
	awaited
	yes
	no
)
