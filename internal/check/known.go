package check

// What is known of claims, keys, clients, and of trouble between them and nodes.

type place struct{ node, key int }

// claim is what is known of one claim.
type claim struct {
	id       uint64
	client   *client
	key      *key   // the first of
	keys     []*key // those that it takes
	of, slot int
	shares   bool
	sharer   bool // from the beginning
	asked    Time
	token    uint64
	won      bool
	foreign  bool
	isOver   bool
	deadline Time
	overAt   Time
	success  Time // of the last round that succeeded

	isDecreed bool // some node deleted its key by force, and
	decreedAt Time // when the first did
	forced    bool // a majority did, and
	forcedAt  Time // when that was known

	seats []seat

	from, heir *claim // whose lease it takes over, and who took it over from it
	fromID     uint64
	handed     bool
	dropped    int // on how many nodes its own client deleted it after that
}

// end is when the lease stops to be valid.
func (c *claim) end() Time {
	end := c.deadline
	if c.isOver {
		end = min(end, c.overAt)
	}
	if c.isDecreed {
		end = min(end, c.decreedAt)
	}
	return end
}

// key is what is known of one key.
type key struct {
	id     int
	leases []*claim // that may be valid yet
	freed  Time     // when the last of the others ended
	newest marks    // of the tokens
	slots  []marks  // the same of each slot, if it is a semaphore's
	least  int      // the smallest number of slots that a client goes by; 0: it is no semaphore
	most   int      // the largest
	wants  int      // clients that wait for it
	since  Time     // when the first of them began to
	lost   int      // attempts in a row on the free key

	sets     int // of the waiters, those that want other keys as well
	standing []stander
	shared   bool // with clients of other libraries
	handed   bool // the last lease was given back in time, by a client that wakes who waits
	excused  Time // until when a delay has an excuse
	kept     Time // until when it may be kept for one who waits for the rest of a set
	alone    Time // when the last lease ended that was not shared from the beginning
	barred   Time // when the last waiter left that wanted the key alone
	election election
	frozen   int // of those who have left while the key is free, how many had stood still
}

// client is what is known of one client.
type client struct {
	id          int
	paused      bool
	from, until Time      // of the last pause
	troubles    []trouble // by node
	crashed     bool
	slow        Time // when an attempt of it ended that had waited for a node, in this fair weather; 0 if none
}

// trouble between a client, or everyone, and a node.
type trouble struct {
	cuts  int
	any   bool
	began Time // of those that followed upon each other
	ended Time
}
