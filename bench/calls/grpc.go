package calls

import (
	"context"
	"net"
	"runtime"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	peersv1 "github.com/mqrpc/mqrpc/bench/proto/bench/peers/v1"
	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
)

// grpc-go with generated code: one connection to each server for ever, unary
// calls, no TLS, and goroutines that stay to handle calls instead of one for
// each (which saves a little). Two connections or greater buffers, with or
// without sharing them, were not faster.

type grpcServer struct {
	peersv1.UnimplementedBenchServiceServer

	config Config
}

func (s grpcServer) Echo(_ context.Context, request *benchv1.EchoRequest) (*benchv1.EchoResponse, error) {
	s.config.handle()
	return &benchv1.EchoResponse{Payload: request.GetPayload()}, nil
}

// Exchange is for the rows of gateways, in front of this server.
func (s grpcServer) Exchange(_ context.Context, document *benchv1.Document) (*benchv1.Document, error) {
	s.config.handle()
	return document, nil
}

func serveGRPC(ctx context.Context, config Config, ready func(string) error) error {
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.NumStreamWorkers(uint32(2 * runtime.NumCPU()))) //nolint:gosec // not negative
	peersv1.RegisterBenchServiceServer(server, grpcServer{config: config})
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := ready(listener.Addr().String()); err != nil {
		return err
	}
	return server.Serve(listener)
}

// listen listens on a free port of this machine.
func listen(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}

type grpcClient struct {
	connection *grpc.ClientConn
	bench      peersv1.BenchServiceClient
}

func dialGRPC(_ context.Context, config Config) (client, error) {
	servers := manual.NewBuilderWithScheme("bench")
	var state resolver.State
	for _, address := range config.Servers {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	servers.InitialState(state)
	connection, err := grpc.NewClient("bench:///servers",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithResolvers(servers),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`))
	if err != nil {
		return nil, err
	}
	return &grpcClient{connection, peersv1.NewBenchServiceClient(connection)}, nil
}

func (c *grpcClient) echo(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := c.bench.Echo(ctx, &benchv1.EchoRequest{Payload: payload})
	return response.GetPayload(), err
}

func (c *grpcClient) close() error { return c.connection.Close() }
