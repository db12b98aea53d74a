package fence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// ProblemStale is the type of the problem (RFC 9457) in the body of a 409, by
// which a client tells it from the service's own conflicts.
const ProblemStale = "https://pkg.go.dev/github.com/redlock-go/redlock/fence#StaleError"

// problem is the body of a refusal, as application/problem+json. Resource, token
// and newest stand in that of a stale token only.
type problem struct {
	Type     string `json:"type,omitempty"` // absent: about:blank
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Resource string `json:"resource,omitempty"`
	Token    uint64 `json:"token,omitempty"`
	Newest   uint64 `json:"newest,omitempty"`
}

const problemMedia = "application/problem+json"

// Refuse answers 409 with a body that names the newer token if err is a
// [*StaleError], and reports whether it did. It is for handlers whose own write
// is guarded, by [SQL.Do] for one.
func Refuse(w http.ResponseWriter, err error) bool {
	var stale *StaleError
	if !errors.As(err, &stale) {
		return false
	}
	problem{
		Type:     ProblemStale,
		Title:    "The fencing token is stale",
		Status:   http.StatusConflict,
		Detail:   fmt.Sprintf("A newer lease has taken over: the resource has seen token %d, and refuses %d.", stale.Newest, stale.Token),
		Resource: stale.Resource,
		Token:    stale.Token,
		Newest:   stale.Newest,
	}.write(w)
	return true
}

func refusal(status int, detail string) problem {
	return problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		panic("fence: a problem is always JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", problemMedia)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that is gone needs no answer
}

// FromResponse returns the [*StaleError] that a 409 of [Handler] or [Refuse] says,
// and nil for any other response, a 409 of the service's own included. The body
// can still be read from its beginning, and is still the caller's to close.
func FromResponse(response *http.Response) error {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if response.StatusCode != http.StatusConflict || err != nil || media != problemMedia {
		return nil
	}
	const most = 64 << 10
	read, err := io.ReadAll(io.LimitReader(response.Body, most))
	response.Body = reread{io.MultiReader(bytes.NewReader(read), response.Body), response.Body}
	if err != nil {
		return fmt.Errorf("fence: read the reason of a 409: %w", err)
	}
	var said problem
	if json.Unmarshal(read, &said) != nil || said.Type != ProblemStale {
		return nil
	}
	return &StaleError{Resource: said.Resource, Token: said.Token, Newest: said.Newest}
}

// reread is a body whose beginning was read and put back.
type reread struct {
	io.Reader
	io.Closer
}
