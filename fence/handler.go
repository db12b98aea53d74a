package fence

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// HandlerConfig configures [Handler]. Only Register is needed.
type HandlerConfig struct {
	// Register keeps the tokens. It must live as long as the resource does:
	// [SQL.Register] or [Redis] for most, [Memory] for what dies with the process.
	Register Register

	// Resource says which resource a request is about. The URL's path if nil;
	// then put the Handler where paths are clean ([http.ServeMux] cleans them).
	Resource func(*http.Request) string

	// Required says whether a request must have a token. If nil, every request
	// must but GET, HEAD, OPTIONS and TRACE. One that has a token is checked in
	// any case, and one that need not have and has none goes to the handler as
	// it is.
	Required func(*http.Request) bool

	// Logger is told when the register fails, which the client is not told in
	// detail. [slog.Default] if nil.
	Logger *slog.Logger
}

// Handler guards next with the tokens in the header Fencing-Token. It panics if
// there is no register. It answers itself, as application/problem+json:
//
//   - 400: the header is not a token, or there are several.
//   - 409: the token is stale; the body says which one was newer. The client reads
//     it with [FromResponse].
//   - 428: the header is required and missing.
//   - 503: the register failed, or a request of an older token did not end while
//     the client waited. Nothing was done; the request may be sent again.
//
// The handler finds the token in the request's context ([TokenFrom]), so what it
// asks of others with [Transport] carries it on. A GET with a token shows it to
// the resource: from then on no older holder can write.
//
// A token that comes with "Fencing-Shared: 1" is a reader's. Requests of readers for one
// resource may be under way together, and never with a writer's. If the register is no
// [ReadRegister] they are taken for writers, so that one with a lower token is refused.
//
// # What holds
//
// If all writes to the resource go through one Handler of one process, they are
// done in the order of their tokens, however long a handler takes: requests of
// different tokens for one resource are never under way together. When a newer
// token comes, the contexts of the older requests end, their cause a
// [*StaleError], and the newer one goes on when they have returned, or answers
// 503 when its own context is done ([http.TimeoutHandler] sees to that). What a
// handler leaves running when it returns is not guarded.
//
// Several processes that share a register refuse what is stale when it arrives,
// but each sees only its own handlers: one that was admitted in one process and
// then delayed may still write after a newer one in another process. There the
// write itself must be guarded, in the store: next passes the token on, to
// [SQL.Do] for one, and answers with [Refuse].
func Handler(next http.Handler, config HandlerConfig) http.Handler {
	if config.Register == nil {
		panic("fence: Handler needs a Register")
	}
	if config.Resource == nil {
		config.Resource = func(r *http.Request) string { return r.URL.Path }
	}
	if config.Required == nil {
		config.Required = writes
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &handler{next: next, HandlerConfig: config}
}

// writes reports whether the method may change something (RFC 9110, 9.2.1).
func writes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

type handler struct {
	HandlerConfig
	next  http.Handler
	turns turns
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	values := r.Header.Values(Header)
	switch {
	case len(values) == 0 && h.Required(r):
		refusal(http.StatusPreconditionRequired,
			"This resource is protected by a lock: send the token of your lease in the header "+Header+".").write(w)
		return
	case len(values) == 0:
		h.next.ServeHTTP(w, r)
		return
	case len(values) > 1:
		refusal(http.StatusBadRequest, "There must be one header "+Header+", with one token.").write(w)
		return
	}
	token, err := Parse(values[0])
	if err != nil {
		refusal(http.StatusBadRequest, err.Error()).write(w)
		return
	}

	resource := h.Resource(r)
	register, shared := h.Register.(ReadRegister)
	shared = shared && r.Header.Get(SharedHeader) == "1"
	// The turn first, then the register: the other way round, this request could be
	// admitted, wait for its turn, and by then be stale.
	ctx, leave, err := h.turns.enter(r.Context(), resource, token, shared)
	if err != nil {
		if !Refuse(w, err) {
			refusal(http.StatusServiceUnavailable, "A request with an older token is still being served.").write(w)
		}
		return
	}
	defer leave()
	admit, with := h.Register.Admit, WithToken
	if shared {
		admit, with = register.AdmitRead, WithSharedToken
	}
	if err := admit(ctx, resource, token); err != nil {
		// A newer token that came meanwhile has ended ctx, and perhaps Admit with it.
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, ErrStale) {
			err = cause
		}
		h.refuse(w, r, resource, token, err)
		return
	}
	h.next.ServeHTTP(w, r.WithContext(with(ctx, token)))
}

// refuse answers for a register that did not admit the token.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, resource string, token uint64, err error) {
	if Refuse(w, err) {
		return
	}
	if r.Context().Err() == nil { // else the client has gone, which is no fault of the register
		h.Logger.ErrorContext(r.Context(), "fence: a token could not be checked, so its request was refused",
			"resource", resource, "token", token, "error", err)
	}
	refusal(http.StatusServiceUnavailable, "The token could not be checked.").write(w)
}
