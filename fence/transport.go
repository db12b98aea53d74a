package fence

import (
	"net/http"
)

// Header is the request header that carries the token, in decimal digits.
const Header = "Fencing-Token"

// SharedHeader is the request header that says, by the value "1", that the token is a
// reader's.
const SharedHeader = "Fencing-Shared"

// Transport is an [http.RoundTripper] that sends the token of each request's
// context ([TokenFrom]) in the header Fencing-Token:
//
//	client := &http.Client{Transport: &fence.Transport{}}
//	request, err := http.NewRequestWithContext(lease.Context(), "PUT", url, body)
//	response, err := client.Do(request)
//	if err := fence.FromResponse(response); err != nil { … } // *StaleError
//
// A request whose context has no token goes out as it is, as does one that has
// the header already. A request made with the lease's context also ends when the
// lease does.
//
// If the token is a reader's it says so, in the header Fencing-Shared.
//
// A Transport is safe for concurrent use if its Base is.
type Transport struct {
	Base http.RoundTripper // [http.DefaultTransport] if nil
}

// RoundTrip implements [http.RoundTripper]. Its errors are those of Base. A
// refusal of the server is a response, not an error; see [FromResponse].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	token, ok := TokenFrom(r.Context())
	if !ok || r.Header.Get(Header) != "" {
		return base.RoundTrip(r)
	}
	r = r.Clone(r.Context()) // a RoundTripper does not change the caller's request
	r.Header.Set(Header, Format(token))
	if SharedFrom(r.Context()) {
		r.Header.Set(SharedHeader, "1")
	}
	return base.RoundTrip(r)
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *Transport) CloseIdleConnections() {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	if closer, ok := base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
