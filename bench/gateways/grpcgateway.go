package gateways

import (
	"context"
	"net"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	peersv1 "github.com/mqrpc/mqrpc/bench/proto/bench/peers/v1"
)

// grpc-gateway with generated code, as its documentation sets it up: a proxy in
// a process of its own, which calls grpc-go servers over one connection without
// TLS. For speed it writes Content-Length, so that nothing is chunked, and
// leaves out fields that are not set. There is no access log.
//
// Calling the server inside the proxy's process (RegisterBenchServiceHandlerServer)
// would leave out gRPC altogether, and with it interceptors and streams; its
// documentation advises against it.

func serveGRPCGateway(ctx context.Context, config Config, listener *net.TCPListener) error {
	connection, err := grpc.NewClient(config.Target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // the process ends
	mux := runtime.NewServeMux(
		runtime.WithWriteContentLength(),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		}))
	if err := peersv1.RegisterBenchServiceHandler(ctx, mux, connection); err != nil {
		return err
	}
	return serveHTTP(ctx, listener, mux)
}

// jsonRequest is a call as grpc-gateway takes it: the document is the body.
func jsonRequest(host string, document []byte) []byte {
	return post(host, peersv1.BenchService_Exchange_FullMethodName, "application/json", string(document))
}
