package sim

import "github.com/redlock-go/redlock/internal/script"

// kind is what an operation wants, nil for the plain lock.
func (w *world) kind(o *Op) script.Kind {
	if o.Also != nil {
		keys := []string{w.keys[o.Key]}
		for _, k := range o.Also {
			keys = append(keys, w.keys[k])
		}
		return script.NewSeveral(keys)
	}
	if o.Read {
		return script.Reader
	}
	return nil
}
