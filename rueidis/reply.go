package rueidis

import (
	"fmt"
	"sort"

	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock/resp"
)

// appendReplies turns results into replies, or gives the error that is no reply.
func appendReplies(all []resp.Reply, results []rueidis.RedisResult) ([]resp.Reply, error) {
	if cap(all) < len(results) {
		all = make([]resp.Reply, 0, len(results))
	}
	for _, result := range results {
		var err error
		if all, err = appendReply(all, result); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func appendReply(all []resp.Reply, result rueidis.RedisResult) ([]resp.Reply, error) {
	if err := result.NonRedisError(); err != nil {
		return nil, err
	}
	// The error that this gives is the reply, again, in rueidis's words.
	message, _ := result.ToMessage()
	reply, err := replyOf(message)
	if err != nil {
		return nil, err
	}
	return append(all, reply), nil
}

// replyOf turns what rueidis made of a reply into what it was. A client that
// speaks RESP3 gives its types; they become what RESP2 says in their place.
func replyOf(m rueidis.RedisMessage) (resp.Reply, error) {
	switch {
	case m.IsNil():
		return resp.Reply{}, nil
	case m.IsInt64():
		n, err := m.ToInt64()
		return resp.OfInt(n), err
	case m.IsBool():
		yes, err := m.ToBool()
		if yes {
			return resp.OfInt(1), err
		}
		return resp.OfInt(0), err
	case m.IsMap():
		return mapOf(m)
	case m.IsArray():
		return arrayOf(m)
	case m.Error() != nil:
		// Error cuts the code ERR off; ToString gives the text as it came.
		text, _ := m.ToString()
		return resp.OfError(text), nil
	}
	text, err := m.ToString()
	if err != nil {
		return resp.Reply{}, fmt.Errorf("a reply of a kind that no command of a lock has: %w", err)
	}
	return resp.OfText(text), nil
}

func arrayOf(m rueidis.RedisMessage) (resp.Reply, error) {
	values, err := m.ToArray()
	if err != nil {
		return resp.Reply{}, err
	}
	items := make([]resp.Reply, len(values))
	for i, value := range values {
		if items[i], err = replyOf(value); err != nil {
			return resp.Reply{}, err
		}
	}
	return resp.OfArray(items...), nil
}

// mapOf is a map as RESP2 has it: keys and values in turn, here in the order of
// the keys, as rueidis does not keep the server's.
func mapOf(m rueidis.RedisMessage) (resp.Reply, error) {
	values, err := m.ToMap()
	if err != nil {
		return resp.Reply{}, err
	}
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	items := make([]resp.Reply, 0, 2*len(keys))
	for _, key := range keys {
		item, err := replyOf(values[key])
		if err != nil {
			return resp.Reply{}, err
		}
		items = append(items, resp.OfText(key), item)
	}
	return resp.OfArray(items...), nil
}
