package mutants

import "github.com/redlock-go/redlock/internal/check"

// ofReaders are bugs that only readers and writers can have.
var ofReaders = []Mutant{
	{
		Name:   "reader-hurries",
		Why:    "a reader looks at nobody who waits to write",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelRead, "				free = !stands\n", "				free = !stands || by > 0\n"}},
	},
	{
		Name:   "first-reader-frees",
		Why:    "the release of one reader ends it for all",
		Breaks: breaks(check.I1, check.I4),
		Edits:  []Edit{{modelRead, "			free = r.must(\"EXISTS\", readers).Int == 0\n", "			free = ours || r.must(\"EXISTS\", readers).Int == 0\n"}},
	},
	{
		Name:   "reader-shortens",
		Why:    "a key that is shared lives as long as the reader that spoke last, and not as the longest",
		Breaks: breaks(check.I1, check.I9),
		Edits: []Edit{
			{modelRead, "	r.must(\"PEXPIREAT\", key, over, \"GT\")\n", "	r.must(\"PEXPIREAT\", key, over)\n"},
			{modelRead, "	last := r.must(\"ZRANGE\", readers, \"-1\", \"-1\").Items[0].Text\n", "	last := r.must(\"ZRANGE\", readers, \"0\", \"0\").Items[0].Text\n"},
		},
	},
	{
		Name:   "downgrade-frees",
		Why:    "a writer that goes on as a reader gives the key back, and holds nothing",
		Breaks: breaks(check.I1, check.I4),
		Edits:  []Edit{{modelRead, "		r.share(key, queue, readers, value, now, ttl, alone)\n		if alone {\n", "		if alone {\n			r.must(\"DEL\", key)\n			return resp.OfInt(1)\n		}\n		r.share(key, queue, readers, value, now, ttl, alone)\n		if alone {\n"}},
	},
	{
		Name:   "reader-token-free",
		Why:    "a reader's token is accepted whatever writers had before",
		Breaks: breaks(check.I3),
		Edits:  []Edit{{modelRead, "	return mine > writers, writers\n", "	return true, writers\n"}},
	},
	{
		Name:   "called-forgotten",
		Why:    "readers that were called and have not come yet lose their turn when the key becomes free",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelRead, "				if shares(called.Text) {\n", "				if shares(called.Text) && waiter == \"-\" {\n"}},
	},
	{
		Name:   "late-raise",
		Why:    "a writer that goes on as a reader takes its key for lost where its second round comes after that",
		Breaks: breaks(check.I5),
		Rare:   true,
		Edits:  []Edit{{modelRead, "		case holds(holder, value):\n			accepted = ", "		case holds(holder, value) && value == \"\":\n			accepted = "}},
	},
	{
		Name:   "readers-unwoken",
		Why:    "readers behind a writer that goes on as a reader, or gives up, are not called",
		Breaks: breaks(check.I7),
		Edits:  []Edit{{modelQueue, "		if !shares(first) || woken == 100 {\n", "		if !shares(first) || woken >= 0 {\n"}},
	},
}
