package sim

import "github.com/redlock-go/redlock/internal/script"

// kind is what an operation wants, nil for the plain lock.
func (w *world) kind(o *Op) script.Kind {
	switch {
	case o.Also != nil:
		keys := []string{w.keys[o.Key]}
		for _, k := range o.Also {
			keys = append(keys, w.keys[k])
		}
		return script.NewSeveral(keys)
	case o.Slots > 0:
		return script.Slots{K: o.Slots}
	case o.Read:
		return script.Reader
	}
	return nil
}

// learn is what the next attempt goes by, after one that was lost, or before the first.
func (o *operation) learn(lost *loss) {
	s, ok := o.kind.(script.Slots)
	if !ok {
		return
	}
	random := int(o.chance.of(uint64(o.attempts)).of(5).between(0, 1<<30))
	if lost == nil {
		s.Hint = random % s.K
		o.kind = s
		return
	}
	o.kind = s.Next(lost.defeat, random)
}

// mostScattered is what it is in the root package.
const mostScattered = 3
