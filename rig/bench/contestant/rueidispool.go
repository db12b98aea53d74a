package contestant

import (
	"context"
	"fmt"
	"strings"
	"time"

	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	"github.com/redis/rueidis"
)

// rueidisPool is redsync's Pool on a rueidis client.
type rueidisPool struct{ client rueidis.Client }

// Get returns the connection of a context.
func (p rueidisPool) Get(ctx context.Context) (redsyncredis.Conn, error) {
	return &rueidisConn{p.client, ctx}, nil
}

type rueidisConn struct {
	client rueidis.Client
	ctx    context.Context
}

// Get reads a key; it is "" if there is none.
func (c *rueidisConn) Get(name string) (string, error) {
	value, err := c.client.Do(c.ctx, c.client.B().Get().Key(name).Build()).ToString()
	return value, noNil(err)
}

// Set writes a key.
func (c *rueidisConn) Set(name, value string) (bool, error) {
	err := c.client.Do(c.ctx, c.client.B().Set().Key(name).Value(value).Build()).Error()
	return err == nil, err
}

// SetNX writes a key if it is not there.
func (c *rueidisConn) SetNX(name, value string, expiry time.Duration) (bool, error) {
	err := c.client.Do(c.ctx, c.client.B().Set().Key(name).Value(value).Nx().Px(expiry).Build()).Error()
	return err == nil, noNil(err)
}

// PTTL is how long a key has to live.
func (c *rueidisConn) PTTL(name string) (time.Duration, error) {
	ms, err := c.client.Do(c.ctx, c.client.B().Pttl().Key(name).Build()).AsInt64()
	return time.Duration(ms) * time.Millisecond, err
}

// Eval runs a script by its hash, and by its text if the server does not know it.
func (c *rueidisConn) Eval(script *redsyncredis.Script, keysAndArgs ...any) (any, error) {
	words := make([]string, len(keysAndArgs))
	for i, word := range keysAndArgs {
		if text, ok := word.(string); ok {
			words[i] = text
		} else {
			words[i] = fmt.Sprint(word)
		}
	}
	keys, args := words[:script.KeyCount], words[script.KeyCount:]
	result := c.client.Do(c.ctx, c.client.B().Evalsha().Sha1(script.Hash).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
	if err := result.Error(); err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
		result = c.client.Do(c.ctx, c.client.B().Eval().Script(script.Src).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
	}
	value, err := result.ToAny()
	return value, noNil(err)
}

// ScriptLoad has the server learn a script.
func (c *rueidisConn) ScriptLoad(script *redsyncredis.Script) error {
	return c.client.Do(c.ctx, c.client.B().ScriptLoad().Script(script.Src).Build()).Error()
}

// Close does nothing: the connection is the client's.
func (c *rueidisConn) Close() error { return nil }

func noNil(err error) error {
	if rueidis.IsRedisNil(err) {
		return nil
	}
	return err
}
