package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// BenchmarkGateway is a whole request as mqrpc gateway serves it, on connections
// that are kept: HTTP over TCP, the access log, a filter of the user's, the call
// over a broker in memory, and the worker. The clients are in the figures, too:
// they write prepared bytes and read as little as they can. cpu-ns/op is the
// processor time of all that, which other programs on the machine do not change.
func BenchmarkGateway(b *testing.B) {
	for name, code := range map[string]string{"23B": "d3JmZGZkc2Y=", "48KB": strings.Repeat("d3Jm", 12<<10)} {
		b.Run(name, func(b *testing.B) {
			address := startBenchGateway(b)
			request := benchRequest(`{"Code":"` + code + `"}`)
			b.ReportAllocs()
			b.SetParallelism(32) // of connections, by processor
			before := processorTime(b)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				if err := repeat(pb.Next, address, request); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// benchRequest is a call of SessionKey as it goes over the connection.
func benchRequest(bizContent string) []byte {
	body := "module=wxapp&version=1.0&method=WxappManager.SessionKey&bizContent=" + url.QueryEscape(bizContent)
	return fmt.Appendf(nil, "POST /gateway HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
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
	for {
		_, err := from.ReadSlice('}')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// keys answers SessionKey with its code as the key.
type keys struct {
	wxappv1.UnimplementedWxappManagerServer
}

func (keys) SessionKey(_ context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
	return &wxappv1.SessionKeyResponse{SessionKey: request.GetCode()}, nil
}

// token is a filter as users write them.
var token = gateway.Filter{Stage: gateway.StageAuthenticate, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
	return func(ctx context.Context, request *gateway.Request) gateway.Response {
		if request.Header.Get("Authorization") == http.MethodTrace { // It never is.
			return gateway.Response{Err: context.Canceled}
		}
		return next(ctx, request)
	}
}}

// startBenchGateway starts a worker, and a gateway that logs to nowhere, as the
// command does.
func startBenchGateway(b *testing.B) (address string) {
	b.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	out := newLogWriter(null)
	settings := defaultSettings(noEnviron)
	logger, err := settings.log.newLogger(out)
	if err != nil {
		b.Fatal(err)
	}
	f := &front{settings: settings, logger: logger}
	broker := memory.NewBroker(memory.Config{})
	client := startBenchWorker(b, broker)
	source, err := gateway.Static(wxappv1.WxappManager_Service)
	if err != nil {
		b.Fatal(err)
	}
	config := f.config(client)
	config.Sources, config.Filters = []gateway.Source{source}, append(config.Filters, token)
	g, err := gateway.New(config)
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
	b.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, out.Flush(), null.Close()); err != nil {
			b.Error(err)
		}
	})
	return listener.Addr().String()
}

// startBenchWorker starts a worker, and returns a client that calls it.
func startBenchWorker(b *testing.B, broker *memory.Broker) *runtime.Client {
	b.Helper()
	discard := slog.New(slog.DiscardHandler)
	serves, calls := broker.Connect(), broker.Connect()
	worker := runtime.NewWorker(serves, runtime.WorkerConfig{Logger: discard})
	wxappv1.RegisterWxappManagerServer(worker, keys{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	client := runtime.NewClient(calls, runtime.ClientConfig{Logger: discard})
	b.Cleanup(func() {
		err := client.Close(context.Background())
		stop()
		if err := errors.Join(err, <-ended, calls.Close(context.Background()), serves.Close(context.Background())); err != nil {
			b.Error(err)
		}
	})
	return client
}
