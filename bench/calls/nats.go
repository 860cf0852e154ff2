package calls

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// NATS with its services framework, micro: requests over the client's one inbox
// subscription, payloads as they are. micro handles one request at a time for
// each subscription, so calls that take time get a goroutine each.

func serveNATS(ctx context.Context, config Config, ready func(string) error) error {
	connection, err := nats.Connect(config.Broker)
	if err != nil {
		return err
	}
	defer connection.Close()
	service, err := micro.AddService(connection, micro.Config{
		Name:    "bench",
		Version: "1.0.0",
		Endpoint: &micro.EndpointConfig{
			Subject: "bench." + config.Name,
			Handler: micro.HandlerFunc(func(request micro.Request) {
				if config.Handler > 0 {
					go answerNATS(config, request)
				} else {
					answerNATS(config, request)
				}
			}),
		},
	})
	if err != nil {
		return err
	}
	if err := connection.FlushTimeout(closeTimeout); err != nil { // else: it is subscribed
		return err
	}
	if err := ready(""); err != nil {
		return err
	}
	<-ctx.Done()
	return service.Stop()
}

// answerNATS handles a call. An error means that the connection is closed,
// which the callers see.
func answerNATS(config Config, request micro.Request) {
	config.handle()
	_ = request.Respond(request.Data())
}

type natsClient struct {
	connection *nats.Conn
	subject    string
}

func dialNATS(_ context.Context, config Config) (client, error) {
	connection, err := nats.Connect(config.Broker)
	if err != nil {
		return nil, err
	}
	return &natsClient{connection, "bench." + config.Name}, nil
}

func (c *natsClient) echo(ctx context.Context, payload []byte) ([]byte, error) {
	reply, err := c.connection.RequestWithContext(ctx, c.subject, payload)
	if err != nil {
		return nil, err
	}
	return reply.Data, nil
}

func (c *natsClient) close() error {
	c.connection.Close()
	return nil
}
