package testbroker

import (
	"crypto/tls"
	"net"
	"testing"
)

// TestMakeTLS has a server that demands certificates accept the client that
// shows its own and refuse the one that shows none.
func TestMakeTLS(t *testing.T) {
	files := MakeTLS(t)
	cert, err := tls.LoadX509KeyPair(files.ServerCert, files.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    files.ClientConfig(t).RootCAs,
		MinVersion:   tls.VersionTLS12,
	}

	for _, test := range []struct {
		name   string
		client *tls.Config
		ok     bool
	}{
		{"with certificate", files.ClientConfig(t), true},
		{"without certificate", files.ConfigWithoutCertificate(t), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := test.client.Clone()
			client.ServerName = "localhost"
			near, far := net.Pipe()
			defer near.Close()
			defer far.Close()
			go func() {
				conn := tls.Client(near, client)
				_, _ = conn.Read(make([]byte, 1)) // handshake, then the server's verdict
			}()
			err := tls.Server(far, server).Handshake()
			if ok := err == nil; ok != test.ok {
				t.Errorf("handshake: got error %v, want success %v", err, test.ok)
			}
		})
	}
}
