package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// amqpURLOption is the option that says where the broker is.
const amqpURLOption = "amqp-url"

// brokerSettings say how RabbitMQ is reached.
type brokerSettings struct {
	urls                      []string
	caFile, certFile, keyFile string
	name                      string
	heartbeat, dialTimeout    time.Duration
}

// defaultBroker is a broker on this machine.
func defaultBroker() brokerSettings {
	return brokerSettings{
		urls:        []string{"amqp://guest:guest@localhost:5672/"},
		heartbeat:   10 * time.Second,
		dialTimeout: 5 * time.Second,
	}
}

// options is the table of the settings.
func (s *brokerSettings) options() []option {
	return []option{
		{name: amqpURLOption, value: &s.urls, secret: true, usage: "URLs of the broker, or of the nodes of its cluster: amqp:// or amqps://"},
		{name: "amqp-ca", value: &s.caFile, usage: "PEM file of the authorities that the broker's certificate is checked with; default: the system's"},
		{name: "amqp-cert", value: &s.certFile, usage: "PEM file of the client certificate for the broker"},
		{name: "amqp-key", value: &s.keyFile, usage: "PEM file of the client certificate's key"},
		{name: "amqp-name", value: &s.name, usage: "name of the connection in RabbitMQ's lists; default: program and process id"},
		{name: "amqp-heartbeat", value: &s.heartbeat, usage: "interval of AMQP heartbeats"},
		{name: "amqp-dial-timeout", value: &s.dialTimeout, usage: "time for one try to connect"},
	}
}

// connect returns a transport that connects in the background.
func (s brokerSettings) connect(logger *slog.Logger) (*rabbitmq.Transport, error) {
	tlsConfig, err := s.tls()
	if err != nil {
		return nil, err
	}
	return rabbitmq.Connect(rabbitmq.Config{
		URLs:        s.urls,
		TLS:         tlsConfig,
		Name:        s.name,
		Heartbeat:   s.heartbeat,
		DialTimeout: s.dialTimeout,
		Logger:      logger,
	})
}

// tls is nil where the settings do not go beyond the defaults.
func (s brokerSettings) tls() (*tls.Config, error) {
	if s.caFile == "" && s.certFile == "" && s.keyFile == "" {
		return nil, nil //nolint:nilnil // None is a valid answer.
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.caFile != "" {
		pem, err := os.ReadFile(s.caFile)
		if err != nil {
			return nil, fmt.Errorf("amqp-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("amqp-ca: %s holds no certificate in PEM form", s.caFile)
		}
	}
	if (s.certFile == "") != (s.keyFile == "") {
		return nil, errors.New("amqp-cert and amqp-key belong together; one is missing")
	}
	if s.certFile != "" {
		certificate, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
		if err != nil {
			return nil, fmt.Errorf("amqp-cert and amqp-key: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}
