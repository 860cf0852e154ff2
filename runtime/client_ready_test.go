package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// refusing is a transport on which nothing may be consumed for the time being.
type refusing struct {
	transport.Transport
	refuses atomic.Bool
}

var errRefused = errors.New("no right to the queue")

func (r *refusing) Consume(ctx context.Context, queue transport.Queue, deliver func(*transport.Delivery)) (transport.Consumer, error) {
	if r.refuses.Load() {
		return nil, errRefused
	}
	return r.Transport.Consume(ctx, queue, deliver)
}

// TestRefusedReplyQueueIsAskedForAgain until an operator gives the right to it. Calls
// fail meanwhile, after at most a second, and say why.
func TestRefusedReplyQueueIsAskedForAgain(t *testing.T) {
	s := newStand(t)
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	conn := &refusing{Transport: s.connect()}
	conn.refuses.Store(true)
	client := runtime.NewClient(conn, runtime.ClientConfig{Logger: slog.New(slog.DiscardHandler)})
	defer func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	_, err := call(t.Context(), client, "Echo", "x")
	if runtime.CodeOf(err) != codes.Unavailable || !errors.Is(err, errRefused) {
		t.Errorf("got %v, want UNAVAILABLE with the reason", err)
	}
	if message := runtime.AsError(err).Message(); strings.Contains(message, errRefused.Error()) || !strings.Contains(err.Error(), errRefused.Error()) {
		t.Errorf("the reason is for logs and not for strangers: they read %q", message)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("that took %v", took)
	}
	conn.refuses.Store(false)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := client.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if out, err := call(t.Context(), client, "Echo", "x"); out != "x" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}
