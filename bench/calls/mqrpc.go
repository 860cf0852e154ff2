package calls

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// mqrpc calls by generated code over RabbitMQ, all at its defaults but for the
// batching.
type mqrpc struct{ batching runtime.Batching }

var (
	batched   = mqrpc{}
	unbatched = mqrpc{runtime.Batching{MaxEntries: 1}}
)

// closeTimeout bounds the end of a connection.
const closeTimeout = 5 * time.Second

func (m mqrpc) connect(config Config) (*rabbitmq.Transport, error) {
	serveAs(config.Name)
	return rabbitmq.Connect(rabbitmq.Config{URLs: []string{config.Broker}, Logger: quiet()})
}

// serveAs gives the contract a version of its own in this process, so that
// contestants of one stage and what a killed run has left share no queue.
func serveAs(version string) {
	service := benchv1.BenchService_Service
	service.Version = version
	for _, method := range service.Methods {
		method.Version = version
	}
}

// quiet logs what should not happen in a bench.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type mqrpcServer struct {
	benchv1.UnimplementedBenchServiceServer

	config Config
}

func (s mqrpcServer) Echo(_ context.Context, request *benchv1.EchoRequest) (*benchv1.EchoResponse, error) {
	s.config.handle()
	return &benchv1.EchoResponse{Payload: request.GetPayload()}, nil
}

// Exchange is for the rows of gateways, in front of this server.
func (s mqrpcServer) Exchange(_ context.Context, document *benchv1.Document) (*benchv1.Document, error) {
	s.config.handle()
	return document, nil
}

func (m mqrpc) serve(ctx context.Context, config Config, ready func(string) error) (err error) {
	transport, err := m.connect(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTransport(transport)) }()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Quorum: config.Quorum, Batching: m.batching, Logger: quiet()})
	benchv1.RegisterBenchServiceServer(worker, mqrpcServer{config: config})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	select {
	case <-worker.Ready():
	case err := <-ended:
		return err
	}
	if err := ready(""); err != nil {
		cancel()
		return errors.Join(err, <-ended)
	}
	return <-ended
}

type mqrpcClient struct {
	transport *rabbitmq.Transport
	client    *runtime.Client
	bench     benchv1.BenchServiceClient
}

func (m mqrpc) dial(ctx context.Context, config Config) (client, error) {
	transport, err := m.connect(config)
	if err != nil {
		return nil, err
	}
	c := runtime.NewClient(transport, runtime.ClientConfig{Batching: m.batching, Logger: quiet()})
	if err := c.Ready(ctx); err != nil {
		return nil, err
	}
	return &mqrpcClient{transport, c, benchv1.NewBenchServiceClient(c)}, nil
}

func (c *mqrpcClient) echo(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := c.bench.Echo(ctx, &benchv1.EchoRequest{Payload: payload})
	return response.GetPayload(), err
}

func (c *mqrpcClient) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return errors.Join(c.client.Close(ctx), closeTransport(c.transport))
}

func closeTransport(transport *rabbitmq.Transport) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return transport.Close(ctx)
}
