package calls

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"connectrpc.com/connect"

	"github.com/mqrpc/mqrpc/bench/proto/bench/peers/v1/peersv1connect"
	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
)

// connectPeer is connect-go with generated code, the Connect protocol with
// protobuf (the gRPC protocol was slower), without TLS, over connections that
// stay.
type connectPeer struct{ protocols *http.Protocols }

var (
	// connectHTTP2 has one connection to each server.
	connectHTTP2 = connectPeer{unencryptedHTTP2()}
	// connectHTTP1 has a connection for each call under way. In Go this is
	// faster, for as long as there may be so many connections.
	connectHTTP1 = connectPeer{http1()}
)

// connectCalls is how many calls at once the server admits and the client keeps
// connections for: as many as there may be callers. net/http's defaults are 250
// and 2.
const connectCalls = 4096

func unencryptedHTTP2() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return protocols
}

func http1() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return protocols
}

type connectServer struct {
	peersv1connect.UnimplementedBenchServiceHandler

	config Config
}

func (s connectServer) Echo(_ context.Context, request *connect.Request[benchv1.EchoRequest]) (*connect.Response[benchv1.EchoResponse], error) {
	s.config.handle()
	return connect.NewResponse(&benchv1.EchoResponse{Payload: request.Msg.GetPayload()}), nil
}

func (p connectPeer) serve(ctx context.Context, config Config, ready func(string) error) error {
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(peersv1connect.NewBenchServiceHandler(connectServer{config: config}))
	server := &http.Server{ //nolint:gosec // its only client is the bench
		Handler:   mux,
		Protocols: p.protocols,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: connectCalls},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := ready(listener.Addr().String()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// connectClient takes the servers in turn.
type connectClient struct {
	transport *http.Transport
	servers   []peersv1connect.BenchServiceClient
	next      atomic.Uint64
}

func (p connectPeer) dial(_ context.Context, config Config) (client, error) {
	c := &connectClient{transport: &http.Transport{Protocols: p.protocols, MaxIdleConnsPerHost: connectCalls}}
	for _, address := range config.Servers {
		c.servers = append(c.servers, peersv1connect.NewBenchServiceClient(&http.Client{Transport: c.transport}, "http://"+address))
	}
	return c, nil
}

func (c *connectClient) echo(ctx context.Context, payload []byte) ([]byte, error) {
	server := c.servers[c.next.Add(1)%uint64(len(c.servers))]
	response, err := server.Echo(ctx, connect.NewRequest(&benchv1.EchoRequest{Payload: payload}))
	if err != nil {
		return nil, err
	}
	return response.Msg.GetPayload(), nil
}

func (c *connectClient) close() error {
	c.transport.CloseIdleConnections()
	return nil
}
