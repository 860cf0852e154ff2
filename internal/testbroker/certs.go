package testbroker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
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

// TLSFiles are the PEM files of a certificate authority made for a test, and of
// a server and a client that it vouches for.
type TLSFiles struct {
	Dir        string // has all of them
	CA         string // the authority's certificate
	ServerCert string // for localhost, 127.0.0.1 and ::1
	ServerKey  string
	ClientCert string
	ClientKey  string
}

// MakeTLS makes a new authority and its certificates in a temporary directory
// of the test.
func MakeTLS(t testing.TB) *TLSFiles {
	t.Helper()
	dir := t.TempDir()
	files := &TLSFiles{
		Dir:        dir,
		CA:         filepath.Join(dir, "ca.pem"),
		ServerCert: filepath.Join(dir, "server.pem"),
		ServerKey:  filepath.Join(dir, "server-key.pem"),
		ClientCert: filepath.Join(dir, "client.pem"),
		ClientKey:  filepath.Join(dir, "client-key.pem"),
	}
	maker := &certMaker{t: t}
	maker.makeCA(files.CA)
	maker.makeLeaf(files.ServerCert, files.ServerKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	maker.makeLeaf(files.ClientCert, files.ClientKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "mqrpc-test-client"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return files
}

// ClientConfig returns a configuration that trusts the authority and shows the
// client's certificate.
func (f *TLSFiles) ClientConfig(t testing.TB) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(f.ClientCert, f.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	config := f.ConfigWithoutCertificate(t)
	config.Certificates = []tls.Certificate{cert}
	return config
}

// ConfigWithoutCertificate returns a configuration that trusts the authority,
// for a client that shows no certificate.
func (f *TLSFiles) ConfigWithoutCertificate(t testing.TB) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(f.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatalf("%s holds no certificate", f.CA)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// certMaker makes certificates under one authority.
type certMaker struct {
	t      testing.TB
	ca     *x509.Certificate
	caKey  *ecdsa.PrivateKey
	serial int64
}

func (m *certMaker) makeCA(certFile string) {
	m.t.Helper()
	m.caKey = m.newKey()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "mqrpc test authority"},
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der := m.sign(template, template, m.caKey)
	var err error
	if m.ca, err = x509.ParseCertificate(der); err != nil {
		m.t.Fatal(err)
	}
	m.write(certFile, "CERTIFICATE", der)
}

func (m *certMaker) makeLeaf(certFile, keyFile string, template *x509.Certificate) {
	m.t.Helper()
	key := m.newKey()
	template.KeyUsage = x509.KeyUsageDigitalSignature
	m.write(certFile, "CERTIFICATE", m.sign(template, m.ca, key))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(keyFile, "PRIVATE KEY", der)
}

func (m *certMaker) newKey() *ecdsa.PrivateKey {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	return key
}

// sign completes a template, signs it with the authority's key and returns DER.
func (m *certMaker) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	m.t.Helper()
	m.serial++
	template.SerialNumber = big.NewInt(m.serial)
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(24 * time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, m.caKey)
	if err != nil {
		m.t.Fatal(err)
	}
	return der
}

func (m *certMaker) write(file, kind string, der []byte) {
	m.t.Helper()
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, data, 0o600); err != nil {
		m.t.Fatal(err)
	}
}
