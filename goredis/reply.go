package goredis

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/resp"
)

// isReply reports whether the error is a reply of the server, nil included.
func isReply(err error) bool {
	var fault redis.Error
	return errors.As(err, &fault)
}

// replyOf turns what go-redis made of a reply into what it was. A client that
// speaks RESP3 gives its types; they become what RESP2 says in their place.
func replyOf(value any, err error) (resp.Reply, error) {
	if errors.Is(err, redis.Nil) {
		return resp.Reply{}, nil
	}
	var fault redis.Error
	if errors.As(err, &fault) {
		return resp.OfError(fault.Error()), nil
	}
	if err != nil {
		return resp.Reply{}, err
	}
	switch v := value.(type) {
	case nil:
		return resp.Reply{}, nil
	case int64:
		return resp.OfInt(v), nil
	case string:
		return resp.OfText(v), nil
	case error: // in an array
		return replyOf(nil, v)
	case []any:
		return arrayOf(v)
	case float64:
		return resp.OfText(formatFloat(v)), nil
	case bool:
		if v {
			return resp.OfInt(1), nil
		}
		return resp.OfInt(0), nil
	case *big.Int:
		return resp.OfText(v.String()), nil
	case map[any]any:
		return arrayOf(flatten(v))
	}
	return resp.Reply{}, fmt.Errorf("a reply of a kind that no command of a lock has: %T", value)
}

func arrayOf(values []any) (resp.Reply, error) {
	items := make([]resp.Reply, len(values))
	for i, value := range values {
		item, err := replyOf(value, nil)
		if err != nil {
			return resp.Reply{}, err
		}
		items[i] = item
	}
	return resp.OfArray(items...), nil
}

// flatten is a map as RESP2 has it: keys and values in turn, here in the order
// of the keys, as a map in Go has none.
func flatten(m map[any]any) []any {
	keys := make([]any, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return fmt.Sprint(keys[i]) < fmt.Sprint(keys[j]) })
	flat := make([]any, 0, 2*len(m))
	for _, key := range keys {
		flat = append(flat, key, m[key])
	}
	return flat
}

// formatFloat prints a score as Redis does in RESP2.
func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}
