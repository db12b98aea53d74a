package nodeurl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// checkParameters refuses what has no meaning. It does not repeat a name or a
// value: it may be a part of a password.
func checkParameters(q url.Values, secure bool) error {
	for name, values := range q {
		if len(values) > 1 {
			return errors.New("a parameter is given twice")
		}
		switch name {
		case "db":
		case "ca", "cert", "key", "servername", "insecure":
			if !secure {
				return fmt.Errorf("%s: only with TLS: write rediss://", name)
			}
		default:
			return errors.New("an unknown parameter: known are ca, cert, key, servername, insecure and db")
		}
	}
	return nil
}

// tlsConfig builds the configuration that the parameters ask for. The files are
// read now, once.
func tlsConfig(q url.Values, host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if name := q.Get("servername"); name != "" {
		c.ServerName = name
	}
	if file := q.Get("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: no certificate in %s: want PEM", file)
		}
	}
	cert, key := q.Get("cert"), q.Get("key")
	if (cert == "") != (key == "") {
		return nil, errors.New("cert, key: a client's certificate needs both")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("cert, key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	switch q.Get("insecure") {
	case "":
	case "true":
		c.InsecureSkipVerify = true //nolint:gosec // asked for in so many words
	default:
		return nil, errors.New("insecure: only insecure=true, which gives up knowing whom one talks to")
	}
	return c, nil
}
