package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/internal/testbroker"
)

func TestTLSSettings(t *testing.T) {
	files := testbroker.MakeTLS(t)
	if config, err := (brokerSettings{}).tls(); config != nil || err != nil {
		t.Errorf("without files: %v, %v", config, err)
	}
	config, err := brokerSettings{caFile: files.CA, certFile: files.ClientCert, keyFile: files.ClientKey}.tls()
	if err != nil {
		t.Fatal(err)
	}
	if config.RootCAs == nil || len(config.Certificates) != 1 {
		t.Errorf("got %+v", config)
	}
}

func TestTLSSettingsRefuse(t *testing.T) {
	files := testbroker.MakeTLS(t)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, settings := range map[string]brokerSettings{
		"holds no certificate":   {caFile: text},
		"belong together":        {certFile: files.ClientCert},
		"amqp-key":               {keyFile: files.ClientKey},
		"amqp-cert and amqp-key": {certFile: files.ClientCert, keyFile: files.ServerKey},
		"no such file":           {caFile: "/nothing/there"},
	} {
		if _, err := settings.tls(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
