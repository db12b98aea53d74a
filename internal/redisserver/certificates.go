package redisserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are the PEM files that a server with TLS and its clients need.
type Certificates struct {
	CA                    string // of the authority that signed both
	ServerCert, ServerKey string // for 127.0.0.1 and localhost
	ClientCert, ClientKey string
}

// NewCertificates makes an authority, a server's certificate and a client's, in
// a folder that goes with the test.
func NewCertificates(t testing.TB) Certificates {
	t.Helper()
	ca := newSigned(t, nil, &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "test authority"},
	})
	server := newSigned(t, ca, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, Subject: pkix.Name{CommonName: "test server"},
	})
	client := newSigned(t, ca, &x509.Certificate{
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, Subject: pkix.Name{CommonName: "test client"},
	})
	var c Certificates
	dir := t.TempDir()
	c.CA, _ = ca.write(t, dir, "ca")
	c.ServerCert, c.ServerKey = server.write(t, dir, "server")
	c.ClientCert, c.ClientKey = client.write(t, dir, "client")
	return c
}

// Args are the arguments that make [Start] start a server with TLS only, which
// wants a certificate from its clients.
func (c Certificates) Args() []string {
	return []string{
		"--tls-port", Port, "--tls-ca-cert-file", c.CA,
		"--tls-cert-file", c.ServerCert, "--tls-key-file", c.ServerKey,
	}
}

type signed struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newSigned makes a certificate, signed by the authority, or by itself.
func newSigned(t testing.TB, authority *signed, template *x509.Certificate) *signed {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if authority == nil {
		authority = &signed{template, key}
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, authority.cert, &key.PublicKey, authority.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signed{cert, key}
}

// write writes the PEM files of the certificate and its key.
func (s *signed) write(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: s.cert.Raw},
		keyFile:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
