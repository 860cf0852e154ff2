package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/runtime"
)

// echoing is a caller without a broker: a request of SessionKey is its response,
// too.
type echoing struct{}

func (echoing) Invoke(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
	return &runtime.Reply{Payload: call.Payload}, nil
}

// BenchmarkGateway is a request as mqrpc gateway serves it, on connections that
// are kept, with its access log, and without the call. The clients are in the
// time, too: they write prepared bytes and read as little as they can.
func BenchmarkGateway(b *testing.B) {
	const body = "module=wxapp&version=1.0&method=WxappManager.SessionKey&bizContent=%7B%22Code%22%3A%22d3JmZGZkc2Y%3D%22%7D"
	request := fmt.Appendf(nil, "POST /gateway HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for _, format := range []string{"text", "json"} {
		b.Run(format, func(b *testing.B) {
			address := startBenchGateway(b, format)
			b.ReportAllocs()
			b.SetParallelism(32) // of connections, by processor
			b.RunParallel(func(pb *testing.PB) {
				if err := repeat(pb.Next, address, request); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// repeat sends a request again and again on one connection.
func repeat(next func() bool, address string, request []byte) (err error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	answers := bufio.NewReader(connection)
	for next() {
		if _, err := connection.Write(request); err != nil {
			return err
		}
		if err := skipAnswer(answers); err != nil {
			return err
		}
	}
	return nil
}

// skipAnswer reads an answer to its end, which is that of its JSON object.
func skipAnswer(from *bufio.Reader) error {
	status, err := from.ReadSlice('\n')
	if err != nil {
		return err
	}
	if string(status) != "HTTP/1.1 200 OK\r\n" {
		return fmt.Errorf("got %s", status)
	}
	_, err = from.ReadSlice('}')
	return err
}

// startBenchGateway starts a gateway that logs to nowhere, as the command does.
func startBenchGateway(b *testing.B, format string) (address string) {
	b.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	out := newLogBuffer(null)
	logger, err := logSettings{level: "info", format: format}.newLogger(out)
	if err != nil {
		b.Fatal(err)
	}
	source, err := gateway.Static(wxappv1.WxappManager_Service)
	if err != nil {
		b.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Caller: echoing{}, Sources: []gateway.Source{source}, Logger: out.promptly(logger),
		Fronts: []gateway.Front{form.New()}, Filters: (&front{settings: defaultSettings(noEnviron)}).filters(),
	})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx, listener, gateway.ServerConfig{}) }()
	b.Cleanup(raiseHeapFloor(defaultHeapFloor))
	b.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, out.Flush(), null.Close()); err != nil {
			b.Error(err)
		}
	})
	return listener.Addr().String()
}
