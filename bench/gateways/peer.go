package gateways

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Config is what the gateway of any peer is started with.
type Config struct {
	// Target is where the servers are found: the URL of RabbitMQ, or an address.
	Target string
	// Program is the mqrpc program.
	Program string
}

// peer is a gateway with what stands behind it.
type peer struct {
	name string
	// backend is the peer of package calls that serves behind it, "" for none.
	backend string
	// broker says that the backend is reached through RabbitMQ.
	broker bool
	// serve is the gateway's process, on a listener whose address it has told.
	serve func(ctx context.Context, config Config, listener *net.TCPListener) error
	// request is a whole HTTP request that carries a document.
	request func(host string, document []byte) []byte
}

// peers are all peers, in the order in which tables have them.
var peers = []peer{
	{name: "mqrpc-gateway", backend: "mqrpc", broker: true, serve: serveMQRPC, request: formRequest},
	{name: "grpc-gateway", backend: "grpc", serve: serveGRPCGateway, request: jsonRequest},
	{name: "net-http", serve: serveNetHTTP, request: formRequest},
}

// Names are the names of all peers.
func Names() []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

func peerOf(name string) (peer, error) {
	i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
	if i < 0 {
		return peer{}, fmt.Errorf("there is no gateway %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return peers[i], nil
}

// post is a request as clients that keep their connection send it.
func post(host, path, contentType, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		path, host, contentType, len(body), body)
}
