package nodeurl

import (
	"errors"
	"fmt"
	"io"
)

// ParseWith is [Parse], and then the options of an adapter's Open.
func ParseWith[Option ~func(*Target) error](raw string, opts []Option) (*Target, error) {
	t, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		if err := opt(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// OpenAll is the OpenAll of the adapters: it opens a node for each URL, in their
// order. Its error says which URL is wrong; then the nodes that it has opened are
// closed.
func OpenAll[Node io.Closer](urls []string, open func(url string) (Node, error)) ([]Node, error) {
	nodes := make([]Node, 0, len(urls))
	for i, url := range urls {
		n, err := open(url)
		if err != nil {
			err = fmt.Errorf("URL %d of %d: %w", i+1, len(urls), err)
			for _, n := range nodes {
				err = errors.Join(err, n.Close())
			}
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
