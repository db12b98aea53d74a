package mutants

import (
	"slices"

	"github.com/redlock-go/redlock/internal/check"
)

const (
	acquire    = "internal/core/claim_acquire.go"
	claim      = "internal/core/claim.go"
	reply      = "internal/core/claim_reply.go"
	seat       = "internal/core/claim_seat.go"
	end        = "internal/core/claim_end.go"
	extend     = "internal/core/claim_extend.go"
	guard      = "internal/core/guard.go"
	lane       = "internal/core/lane.go"
	pass       = "internal/core/claim_pass.go"
	quorum     = "internal/quorum/quorum.go"
	validity   = "internal/quorum/validity.go"
	batch      = "internal/script/batch.go"
	read       = "internal/script/read.go"
	scripts    = "internal/script/model_scripts.go"
	native     = "internal/script/native.go"
	modelQueue = "internal/script/model_queue.go"
	modelRead  = "internal/script/model_read.go"
	modelAll   = "internal/script/model_all.go"
	modelLook  = "internal/script/model_look.go"
	wait       = "internal/core/wait.go"
	resume     = "internal/core/claim_resume.go"
	handScript = "internal/script/hand.go"
	modelHand  = "internal/script/model_hand.go"
	simHanding = "internal/sim/handing.go"
	simEar     = "internal/sim/ear.go"
	simQueues  = "internal/sim/queues.go"
	simClaim   = "internal/sim/claim.go" // what the shell decides, as the simulator mirrors it
	simGuard   = "internal/sim/verify.go"
	simLane    = "internal/sim/lane.go"
	simOp      = "internal/sim/operation.go"
)

func breaks(list ...check.Invariant) []check.Invariant { return list }

// All lists every mutant.
var All = slices.Concat(ofLock, ofQueue, ofReaders, ofSlots, ofSeveral, ofElections, ofHanding, ofTaking)
