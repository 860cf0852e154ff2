package runtime_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// patience is how long the tests wait for what must happen.
const patience = 10 * time.Second

// stand is a broker in memory with workers and clients, all of which it stops.
type stand struct {
	t      *testing.T
	broker *memory.Broker
}

func newStand(t *testing.T) *stand {
	return &stand{t: t, broker: memory.NewBroker(memory.Config{})}
}

// connect returns a connection that is closed at the end, after what was made
// later.
func (s *stand) connect() *memory.Transport { return s.connectAs(memory.DefaultUser) }

func (s *stand) connectAs(user string) *memory.Transport {
	conn := s.broker.ConnectAs(user)
	s.t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return conn
}

func (s *stand) client(conn transport.Transport, config runtime.ClientConfig) *runtime.Client {
	s.t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	client := runtime.NewClient(conn, config)
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			s.t.Error(err)
		}
	})
	if err := client.Ready(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return client
}

// handlers are implementations by the names of methods of the service Echo; nil is
// none.
type handlers map[string]func(context.Context, []byte) ([]byte, error)

func echoMethod(name string) *runtime.Method {
	return &runtime.Method{Module: "test", Version: "1.0", Name: "Echo." + name}
}

// worker starts a worker of test/1.0 that is stopped at the end.
func (s *stand) worker(conn transport.Transport, config runtime.WorkerConfig, implementation handlers) *runtime.Worker {
	s.t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	service := &runtime.Service{Module: "test", Version: "1.0", Name: "Echo", FullName: "test.Echo"}
	var implemented []runtime.MethodHandler
	for name, handle := range implementation {
		method := echoMethod(name)
		service.Methods = append(service.Methods, method)
		if handle == nil {
			continue
		}
		implemented = append(implemented, runtime.Handle(method,
			func(ctx context.Context, in *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
				out, err := handle(ctx, in.GetValue())
				return wrapperspb.Bytes(out), err
			}))
	}
	worker := runtime.NewWorker(conn, config)
	worker.Register(service, implemented...)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := worker.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(func() {
		stop()
		running.Wait()
	})
	receive(s.t, worker.Ready(), "the worker is ready")
	return worker
}

// call calls a method of the service Echo.
func call(ctx context.Context, client *runtime.Client, method, in string) (string, error) {
	reply, err := client.Invoke(ctx, &runtime.Call{Method: echoMethod(method), Message: wrapperspb.Bytes([]byte(in))})
	if err != nil {
		return "", err
	}
	var out wrapperspb.BytesValue
	err = proto.Unmarshal(reply.Payload, &out)
	return string(out.GetValue()), err
}

// receive waits for something to come over a channel, or for its end.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("unreachable")
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-time.After(time.Millisecond)
	}
}

// hear delivers what a queue of its own gets to the channel that it returns.
func (s *stand) hear(conn transport.Transport, name string, bindings ...transport.Binding) <-chan *transport.Delivery {
	s.t.Helper()
	heard := make(chan *transport.Delivery, 1000)
	consumer, err := conn.Consume(s.t.Context(), transport.Queue{Name: name, Bindings: bindings}, func(d *transport.Delivery) {
		d.Settle.Ack()
		heard <- d
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := consumer.Stop(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return heard
}

// tell publishes a message and waits until the broker has it.
func (s *stand) tell(conn transport.Transport, exchange, key, kind, replyTo string, message proto.Message) {
	s.t.Helper()
	body, err := proto.Marshal(message)
	if err != nil {
		s.t.Fatal(err)
	}
	s.publish(conn, transport.Publishing{Exchange: exchange, RoutingKey: key, Type: kind, ReplyTo: replyTo, Body: body})
}

func (s *stand) publish(conn transport.Transport, message transport.Publishing) {
	s.t.Helper()
	done := make(chan error, 1)
	conn.Publish(message, func(err error) { done <- err })
	if err := receive(s.t, done, "the broker has a message"); err != nil {
		s.t.Fatalf("publish to %s with %s: %v", message.Exchange, message.RoutingKey, err)
	}
}

// fence returns when the worker has dealt with all that it was told before.
func (s *stand) fence(worker *runtime.Worker) {
	s.t.Helper()
	asking := s.connect()
	answers := s.hear(asking, "fence", transport.Binding{Exchange: wire.RepliesExchange, Key: wire.ReplyPattern("fence-1")})
	s.tell(asking, wire.ControlExchange, wire.ControlKey("test", "1.0", worker.Instance()), wire.TypeDiscover, "fence-1", &mqrpcv1.Discover{})
	receive(s.t, answers, "the worker answers")
}

// everybodyKey is the routing key of what is told all instances of test/1.0.
const everybodyKey = "test.1_0.all"
