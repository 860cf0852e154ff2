// Command client calls both versions of the wxapp module with the code given as
// its argument, and prints their answers.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

func main() {
	code := "wrfdfdsf"
	if len(os.Args) > 1 {
		code = os.Args[1]
	}
	if err := run(code); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(code string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{os.Getenv("AMQP_URL")}})
	if err != nil {
		return err
	}
	client := runtime.NewClient(transport, runtime.ClientConfig{})
	defer func() {
		err = errors.Join(err, client.Close(ctx), transport.Close(ctx))
	}()
	return call(ctx, client, os.Stdout, []byte(code))
}

// call makes one call to each version.
func call(ctx context.Context, caller runtime.Caller, out io.Writer, code []byte) error {
	old, err := wxappv1.NewWxappManagerClient(caller).SessionKey(ctx, &wxappv1.SessionKeyRequest{Code: code})
	if err != nil {
		return fmt.Errorf("version 1.0: %w", err)
	}
	fmt.Fprintf(out, "1.0: key %s\n", base64.StdEncoding.EncodeToString(old.GetSessionKey()))

	session, err := wxappv1p1.NewWxappManagerClient(caller).SessionKey(ctx, &wxappv1p1.SessionKeyRequest{Code: code})
	if err != nil {
		return fmt.Errorf("version 1.1: %w", err)
	}
	fmt.Fprintf(out, "1.1: key %s of user %s for %s\n",
		base64.StdEncoding.EncodeToString(session.GetSessionKey()), session.GetOpenId(), session.GetExpiresIn().AsDuration())
	return nil
}
