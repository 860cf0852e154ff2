package gateway_test //nolint:testableexamples // The example needs a broker.

import (
	"context"
	"net"
	"os"
	"os/signal"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/filter/limit"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// A gateway of one's own: the routing tables that it shall know, and a broker.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{os.Getenv("AMQP_URL")}})
	check(err)
	client := runtime.NewClient(transport, runtime.ClientConfig{})
	routes, err := gateway.Static(wxappv1.WxappManager_Service)
	check(err)
	handler, err := gateway.New(gateway.Config{
		Caller:  client,
		Sources: []gateway.Source{routes},
		Fronts:  []gateway.Front{form.New()},
		Filters: []gateway.Filter{limit.InFlight(limit.DefaultInFlight)},
		State:   transport.State,
	})
	check(err)
	listener, err := net.Listen("tcp", ":8080")
	check(err)
	check(handler.Serve(ctx, listener, gateway.ServerConfig{}))
	check(client.Close(context.Background()))
	check(transport.Close(context.Background()))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
