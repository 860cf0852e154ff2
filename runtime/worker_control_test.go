package runtime_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

func TestWorkerClaimsWhatItServes(t *testing.T) {
	s := newStand(t)
	heard := s.hear(s.connect(), "listener", transport.Binding{Exchange: wire.AnnouncementsExchange, Key: "#"})
	conn := s.connect()
	worker := s.worker(conn, runtime.WorkerConfig{Name: "shop", Concurrency: 7, HeartbeatInterval: 50 * time.Millisecond}, handlers{"Echo": echo})
	if !strings.HasPrefix(worker.Instance(), "shop-") || wire.CheckWord(worker.Instance()) != nil {
		t.Errorf("the instance is called %q", worker.Instance())
	}
	claim := nextClaim(t, heard)
	if claim.GetInstance() != worker.Instance() || claim.GetCapacity() != 7 || claim.GetStopping() ||
		len(claim.GetServices()) != 1 || claim.GetServices()[0] != "test.Echo" ||
		claim.GetValidFor().AsDuration() != 150*time.Millisecond {
		t.Errorf("the claim is %v", claim)
	}
	beat := nextBeat(t, heard)
	if beat.GetInstance() != worker.Instance() || len(beat.GetVersions()) != 1 || beat.GetVersions()[0].GetVersion() != "1.0" {
		t.Errorf("the heartbeat is %v", beat)
	}
	conn.Cut()
	nextClaim(t, heard) // after the reconnect
}

func TestWorkerThatStopsSaysSo(t *testing.T) {
	s := newStand(t)
	heard := s.hear(s.connect(), "listener", transport.Binding{Exchange: wire.AnnouncementsExchange, Key: "test.1_0"})
	t.Run("worker", func(t *testing.T) {
		inner := &stand{t: t, broker: s.broker}
		inner.worker(inner.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
		nextClaim(t, heard)
	})
	if claim := nextClaim(t, heard); !claim.GetStopping() {
		t.Errorf("the last claim is %v", claim)
	}
}

func TestNewcomersAskForClaims(t *testing.T) {
	s := newStand(t)
	worker := s.worker(s.connect(), runtime.WorkerConfig{HeartbeatInterval: -1}, handlers{"Echo": echo})
	asking := s.connect()
	answers := s.hear(asking, "listener", transport.Binding{Exchange: wire.RepliesExchange, Key: wire.ReplyPattern("newcomer-1")})
	for _, key := range []string{wire.DiscoverAllKey, everybodyKey, wire.ControlKey("test", "1.0", worker.Instance())} {
		s.tell(asking, wire.ControlExchange, key, wire.TypeDiscover, "newcomer-1", &mqrpcv1.Discover{})
		if claim := nextClaim(t, answers); claim.GetInstance() != worker.Instance() || claim.GetValidFor().AsDuration() <= 0 {
			t.Errorf("asked with %s, the answer is %v", key, claim)
		}
	}
	s.tell(asking, wire.ControlExchange, everybodyKey, wire.TypeDiscover, "newcomer-1", &mqrpcv1.Discover{Method: "Echo.Missing"})
	s.tell(asking, wire.ControlExchange, everybodyKey, wire.TypeDiscover, "newcomer-1", &mqrpcv1.Discover{Method: "Echo.Echo"})
	if claim := nextClaim(t, answers); claim.GetMethod() != "Echo.Echo" {
		t.Errorf("the answer is %v, of an instance that does not have the method", claim)
	}
}

// TestRefusedWorkerTakesNoMoreCalls until the refusal is lifted; strangers cannot
// refuse.
func TestRefusedWorkerTakesNoMoreCalls(t *testing.T) {
	s := newStand(t)
	var log buffer
	heard := s.hear(s.connect(), "listener", transport.Binding{Exchange: wire.AnnouncementsExchange, Key: "test.1_0"})
	worker := s.worker(s.connectAs("shop"), runtime.WorkerConfig{
		Gateways: []string{"gateway"}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}, handlers{"Echo": echo})
	revision := nextClaim(t, heard).GetRevision()
	client := s.client(s.connect(), runtime.ClientConfig{Timeout: 200 * time.Millisecond})
	key := wire.ControlKey("test", "1.0", worker.Instance())
	refusal := &mqrpcv1.Admission{Revision: revision, Refused: true, InEffect: "other", Reason: "field 2 was removed"}

	s.tell(s.connectAs("stranger"), wire.ControlExchange, key, wire.TypeAdmission, "", refusal)
	if _, err := call(t.Context(), client, "Echo", "x"); err != nil {
		t.Fatalf("after a stranger's refusal: %v", err)
	}
	gateway := s.connectAs("gateway")
	s.tell(gateway, wire.ControlExchange, key, wire.TypeAdmission, "", refusal)
	if claim := nextClaim(t, heard); !claim.GetRefused() {
		t.Errorf("the refused worker claims %v", claim)
	}
	if _, err := call(t.Context(), client, "Echo", "x"); runtime.CodeOf(err) != codes.DeadlineExceeded {
		t.Errorf("a call after the refusal: %v, want DEADLINE_EXCEEDED", err)
	}
	if !strings.Contains(log.String(), "field 2 was removed") {
		t.Errorf("the log does not say why: %s", log.String())
	}
	s.tell(gateway, wire.ControlExchange, key, wire.TypeAdmission, "", &mqrpcv1.Admission{Revision: revision})
	if claim := nextClaim(t, heard); claim.GetRefused() {
		t.Errorf("the admitted worker claims %v", claim)
	}
	if _, err := call(t.Context(), client, "Echo", "x"); err != nil {
		t.Errorf("after the refusal was lifted: %v", err)
	}
}

func TestBuiltinMethodsCanBeCalledAtOneInstance(t *testing.T) {
	s := newStand(t)
	client := s.client(s.connect(), runtime.ClientConfig{})
	for range 3 {
		worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
		describe := &runtime.Method{Module: "test", Version: "1.0", Name: wire.DescribeMethod, Idempotency: runtime.NoSideEffects}
		_, err := client.Invoke(t.Context(), &runtime.Call{Method: describe, Instance: worker.Instance()})
		// The descriptors of this test's service exist nowhere.
		if runtime.CodeOf(err) != codes.FailedPrecondition {
			t.Errorf("got %v, want the answer FAILED_PRECONDITION", err)
		}
		_, err = client.Invoke(t.Context(), &runtime.Call{Method: describe, Instance: "gone-1"})
		if runtime.CodeOf(err) != codes.Unavailable {
			t.Errorf("of an instance that is gone: %v, want UNAVAILABLE", err)
		}
		_, err = client.Invoke(t.Context(), &runtime.Call{Method: echoMethod("Echo"), Instance: worker.Instance()})
		if runtime.CodeOf(err) != codes.InvalidArgument {
			t.Errorf("an ordinary method at one instance: %v, want INVALID_ARGUMENT", err)
		}
	}
}

// TestOrdinaryCallsThatComeByControlAreDropped: they would pass by the queue that
// instances compete for.
func TestOrdinaryCallsThatComeByControlAreDropped(t *testing.T) {
	s := newStand(t)
	ran := make(chan struct{}, 1)
	worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": func(context.Context, []byte) ([]byte, error) {
		ran <- struct{}{}
		return nil, nil
	}})
	stranger := s.connect()
	s.publish(stranger, transport.Publishing{
		Exchange: wire.ControlExchange, RoutingKey: wire.ControlKey("test", "1.0", worker.Instance()), Type: wire.TypeCall,
		ReplyTo: "stranger-1", Body: wire.AppendCall(nil, &wire.Call{ID: 1, Method: "Echo.Echo"}),
	})
	eventually(t, "the worker has dropped it", func() bool { return worker.Stats().Malformed == 1 })
	select {
	case <-ran:
		t.Error("it ran")
	default:
	}
}

// TestWhoCallsIsBelievedFromGatewaysAlone: others could call themselves anybody.
func TestWhoCallsIsBelievedFromGatewaysAlone(t *testing.T) {
	s := newStand(t)
	s.worker(s.connectAs("shop"), runtime.WorkerConfig{Gateways: []string{"gateway"}}, handlers{
		"App": func(ctx context.Context, _ []byte) ([]byte, error) {
			metadata := runtime.CallFromContext(ctx).Metadata
			return []byte(metadata.Get("mqrpc-app") + "/" + metadata.Get("x-id")), nil
		},
	})
	for user, want := range map[string]string{"gateway": "alice/7", "shop": "/7", "stranger": "/7"} {
		client := s.client(s.connectAs(user), runtime.ClientConfig{})
		ctx := runtime.WithMetadata(runtime.WithMetadata(t.Context(), "mqrpc-app", "alice"), "x-id", "7")
		reply, err := client.Invoke(ctx, &runtime.Call{Method: echoMethod("App"), Metadata: runtime.OutgoingMetadata(ctx)})
		if err != nil || !bytes.Contains(reply.Payload, []byte(want)) || !bytes.HasSuffix(reply.Payload, []byte(want)) {
			t.Errorf("the account %s: %q, %v; want %q", user, reply.Payload, err, want)
		}
	}
}

// TestReplyAddressesAreChecked: a worker answers nobody whose name is no client's.
func TestReplyAddressesAreChecked(t *testing.T) {
	s := newStand(t)
	worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	stranger := s.connect()
	addresses := []string{"", "server_other_1.0", "a.b", "#", "all", "mqrpc", strings.Repeat("a", 65)}
	for _, address := range addresses {
		s.publish(stranger, transport.Publishing{
			Exchange: wire.CallsExchange, RoutingKey: "test.1_0", Type: wire.TypeCall,
			ReplyTo: address, Body: wire.AppendCall(nil, &wire.Call{ID: 1, Method: "Echo.Echo"}),
		})
	}
	eventually(t, "the worker has dropped them", func() bool { return worker.Stats().Malformed == int64(len(addresses)) })
	if n := worker.Stats().Replies; n > 0 {
		t.Errorf("the worker has answered %d of them", n)
	}
}

// TestRedeliveredCallOfAnUnknownMethodIsAborted: another instance may have run it.
func TestRedeliveredCallOfAnUnknownMethodIsAborted(t *testing.T) {
	s := newStand(t)
	first := s.connect()
	taken := make(chan struct{}, 1)
	_, err := first.Consume(t.Context(), transport.Queue{
		Name: wire.WorkerQueue("test", "1.0"), Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: "test.1_0"}},
	}, func(*transport.Delivery) { taken <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	client := s.client(s.connect(), runtime.ClientConfig{})
	outcome := make(chan error, 1)
	go func() {
		_, err := call(context.Background(), client, "New", "x")
		outcome <- err
	}()
	receive(t, taken, "an instance that knows the method takes the call")
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo})
	first.Cut()
	if err := receive(t, outcome, "the call ends"); runtime.CodeOf(err) != codes.Aborted {
		t.Errorf("got %v, want ABORTED", err)
	}
}

func nextClaim(t *testing.T, heard <-chan *transport.Delivery) *mqrpcv1.Claim {
	t.Helper()
	for {
		d := receive(t, heard, "a claim")
		if d.Type != wire.TypeClaim {
			continue
		}
		claim, err := wire.DecodeClaim(d.Body, "test.1_0")
		if err != nil {
			t.Fatal(err)
		}
		return claim
	}
}

func nextBeat(t *testing.T, heard <-chan *transport.Delivery) *mqrpcv1.Heartbeat {
	t.Helper()
	for {
		d := receive(t, heard, "a heartbeat")
		if d.Type != wire.TypeHeartbeat {
			continue
		}
		beat, err := wire.DecodeHeartbeat(d.Body, d.RoutingKey)
		if err != nil {
			t.Fatal(err)
		}
		return beat
	}
}

// buffer is a log.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestAdmissionsThatFollowEachOther: what was said last holds, and no consumer
// is left over from what was said before.
func TestAdmissionsThatFollowEachOther(t *testing.T) {
	s := newStand(t)
	heard := s.hear(s.connect(), "listener", transport.Binding{Exchange: wire.AnnouncementsExchange, Key: "test.1_0"})
	worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	revision := nextClaim(t, heard).GetRevision()
	client := s.client(s.connect(), runtime.ClientConfig{Timeout: 100 * time.Millisecond})
	gateway := s.connect()
	admit := func(refused bool) {
		s.tell(gateway, wire.ControlExchange, wire.ControlKey("test", "1.0", worker.Instance()), wire.TypeAdmission, "",
			&mqrpcv1.Admission{Revision: revision, Refused: refused})
	}
	for range 100 {
		admit(true)
		admit(false)
	}
	eventually(t, "it takes calls", func() bool { _, err := call(t.Context(), client, "Echo", "x"); return err == nil })
	admit(true)
	eventually(t, "it takes none", func() bool { _, err := call(t.Context(), client, "Echo", "x"); return err != nil })
	for range 5 {
		if _, err := call(t.Context(), client, "Echo", "x"); err == nil {
			t.Error("a worker that was refused takes a call")
		}
	}
}

// TestAnsweredCountsWhatTheBrokerHasTaken: not the replies to clients that are gone.
func TestAnsweredCountsWhatTheBrokerHasTaken(t *testing.T) {
	s := newStand(t)
	worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	body := wire.AppendCall(nil, &wire.Call{ID: 1, Method: "Echo.Echo", Timeout: patience})
	s.publish(s.connect(), transport.Publishing{Exchange: wire.CallsExchange, RoutingKey: "test.1_0", Type: wire.TypeCall, ReplyTo: "gone-1", Body: body})
	eventually(t, "the reply to a client that is gone comes back", func() bool { return worker.Stats().Undeliverable == 1 })
	asking := s.connect()
	answers := s.hear(asking, "listener", transport.Binding{Exchange: wire.RepliesExchange, Key: wire.ReplyPattern("newcomer-1")})
	answered := func() uint64 {
		s.tell(asking, wire.ControlExchange, everybodyKey, wire.TypeDiscover, "newcomer-1", &mqrpcv1.Discover{})
		return nextClaim(t, answers).GetAnswered()
	}
	if n := answered(); n != 0 {
		t.Errorf("%d calls are answered, want none", n)
	}
	client := s.client(s.connect(), runtime.ClientConfig{})
	if _, err := call(t.Context(), client, "Echo", "x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one call is answered", func() bool { return answered() == 1 })
}

// TestLargeMessagesToOneInstanceAreDropped: what instances are told is small.
func TestLargeMessagesToOneInstanceAreDropped(t *testing.T) {
	s := newStand(t)
	worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	for _, kind := range []string{wire.TypeCall, wire.TypeCancel, wire.TypeDiscover} {
		before := worker.Stats().Malformed
		body := wire.AppendCall(nil, &wire.Call{ID: 1, Method: wire.DescribeMethod, Payload: make([]byte, wire.MaxTellingBytes)})
		s.publish(s.connect(), transport.Publishing{
			Exchange: wire.ControlExchange, RoutingKey: everybodyKey, Type: kind, ReplyTo: "gone-1", Body: body,
		})
		eventually(t, "a "+kind+" is dropped", func() bool { return worker.Stats().Malformed == before+1 })
	}
	if n := worker.Stats().Calls; n > 0 {
		t.Errorf("%d calls were taken", n)
	}
}

// TestBuiltinMethodsAtOneInstanceDoNotWaitForHandlers: while all are busy, they are
// answered, and Cancels behind any number of them are heard.
func TestBuiltinMethodsAtOneInstanceDoNotWaitForHandlers(t *testing.T) {
	s := newStand(t)
	started := make(chan struct{})
	worker := s.worker(s.connect(), runtime.WorkerConfig{Concurrency: 1}, handlers{"Wait": func(ctx context.Context, _ []byte) ([]byte, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	client := s.client(s.connect(), runtime.ClientConfig{})
	ctx, leave := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() {
		_, err := client.Invoke(ctx, &runtime.Call{Method: echoMethod("Wait"), Timeout: time.Hour})
		outcome <- err
	}()
	receive(t, started, "the only handler is busy")
	const questions = 200
	conn := s.connect()
	for id := range uint64(questions) {
		body := wire.AppendCall(nil, &wire.Call{ID: id + 1, Method: wire.DescribeMethod, Timeout: time.Hour})
		s.publish(conn, transport.Publishing{
			Exchange: wire.ControlExchange, RoutingKey: wire.ControlKey("test", "1.0", worker.Instance()),
			Type: wire.TypeCall, ReplyTo: "gone-1", Body: body,
		})
	}
	eventually(t, "all are answered", func() bool { return worker.Stats().Replies == questions })
	leave()
	if err := receive(t, outcome, "the caller returns"); runtime.CodeOf(err) != codes.Canceled {
		t.Errorf("got %v, want CANCELLED", err)
	}
	eventually(t, "the handler has ended", func() bool { return worker.Stats().Running == 0 })
}
