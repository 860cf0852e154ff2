// Command worker-1.1 serves version 1.1 of the wxapp module. Start it as often
// as you like: the instances share the calls.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

func main() {
	if err := run(); err != nil {
		slog.Error("the worker failed", "error", err)
		os.Exit(1)
	}
}

func run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{os.Getenv("AMQP_URL")}})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(err, transport.Close(closing))
	}()

	worker := runtime.NewWorker(transport, runtime.WorkerConfig{})
	wxappv1p1.RegisterWxappManagerServer(worker, &manager.V1p1{Secret: os.Getenv("WXAPP_SECRET")})
	return worker.Run(ctx)
}
