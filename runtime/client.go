package runtime

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// DefaultTimeout is how long a call waits for its reply when neither its
// context nor its method nor its client says otherwise, and how long a worker
// works on a call that says nothing.
const DefaultTimeout = 12 * time.Second

// DefaultMaxPayload bounds requests and responses, encoded. It is below the
// greatest message that RabbitMQ 4 takes by default, 16 MiB.
const DefaultMaxPayload = 12 << 20

// DefaultMaxOpen bounds the calls of a client that wait for their reply. A
// client that has more of them calls workers that have stalled.
const DefaultMaxOpen = 100_000

// ClientConfig configures a [Client]. The zero value has the defaults.
type ClientConfig struct {
	// Name begins the client's name, which its reply queue has, too: letters,
	// digits and "-". Accounts of a broker can be held to it. Default: the host's
	// name.
	Name string
	// Timeout is how long a call waits for its reply, if neither it nor its
	// method says. A context that ends earlier wins. Default: [DefaultTimeout].
	Timeout time.Duration
	// MaxPayload bounds a request, encoded, in bytes. Default:
	// [DefaultMaxPayload].
	MaxPayload int
	// MaxOpen bounds the calls that wait for their reply at a time; further ones
	// fail as RESOURCE_EXHAUSTED at once. Default: [DefaultMaxOpen].
	MaxOpen int
	// Batching bounds how calls gather in messages.
	Batching Batching
	// Interceptors wrap every call; the first is the outermost.
	Interceptors []Interceptor
	// Logger gets what no caller learns: late and malformed replies. Default:
	// slog.Default().
	Logger *slog.Logger
}

// Client makes calls over a transport. Several clients may share one; each has
// a reply queue of its own. It is safe for concurrent use.
type Client struct {
	transport    transport.Transport
	config       ClientConfig
	log          *slog.Logger
	invoke       Handler
	name         string // of the wire's client
	open         *openCalls
	destinations *batch.Gatherers[destination, *openCall]
	idle         sync.Pool // of *openCall
	counters     clientCounters
	complaints   throttle
	cancels      cancels
	questions    questions

	ctx       context.Context // ends when the client is closed
	end       context.CancelFunc
	closing   atomic.Bool
	ready     chan struct{}         // closed when the reply queue is consumed, or never will be
	replies   transport.Consumer    // set before ready is closed
	broken    *Error                // why it never will be, likewise
	refusal   atomic.Pointer[error] // why it is not consumed yet; nil: unknown
	start     sync.WaitGroup
	stopWatch func()

	// For receive, which is called once at a time:
	decoded      []wire.Reply // memory
	lastInstance string       // who sent the replies before
}

var _ Caller = (*Client)(nil)

// NewClient returns a client. It does not wait for the broker: calls made
// before there is a connection wait for it as they do in an outage.
//
// The client must be closed before its transport.
func NewClient(conn transport.Transport, config ClientConfig) *Client {
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.MaxPayload <= 0 {
		config.MaxPayload = DefaultMaxPayload
	}
	if config.MaxOpen <= 0 {
		config.MaxOpen = DefaultMaxOpen
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	ctx, end := context.WithCancel(context.Background())
	c := &Client{
		transport: conn,
		config:    config,
		log:       config.Logger,
		name:      uniqueName(config.Name),
		open:      newOpenCalls(config.MaxOpen),
		ctx:       ctx,
		end:       end,
		ready:     make(chan struct{}),
	}
	c.destinations = batch.NewGatherers(config.Batching.limits(), batch.Sender[destination, *openCall]{Send: c.sendBatch, Settled: c.settled})
	c.invoke = intercept(c.call, config.Interceptors)
	c.start.Go(c.consumeReplies)
	c.stopWatch = conn.Watch(c.resendAfterReconnect())
	return c
}

// Invoke implements [Caller].
func (c *Client) Invoke(ctx context.Context, call *Call) (*Reply, error) {
	if call.Metadata == nil && len(c.config.Interceptors) > 0 {
		call.Metadata = Metadata{} // for interceptors to add to
	}
	reply, err := c.invoke(ctx, call)
	if err != nil {
		return nil, AsError(err)
	}
	return reply, nil
}

// Ready waits until the client can make calls, or fails when ctx ends or the
// transport is closed. A broker that refuses the reply queue is asked again until
// then.
func (c *Client) Ready(ctx context.Context) error {
	select {
	case <-c.ready:
		if c.broken != nil {
			return c.broken
		}
		return nil
	case <-ctx.Done():
		return c.notConnected(ctx.Err())
	case <-c.ctx.Done():
		return errClientClosed
	}
}

// call is the innermost handler: it sends one call and waits for its reply, and
// sends it again where another instance may have the method.
func (c *Client) call(ctx context.Context, call *Call) (*Reply, error) {
	if err := checkCall(call); err != nil {
		return nil, err
	}
	deadline := c.deadline(ctx, call)
	reply, err := c.attempt(ctx, call, deadline)
	if isElsewhere(err) {
		return c.tryElsewhere(ctx, call, deadline, err)
	}
	return reply, err
}

// attempt sends one call and waits for its reply.
func (c *Client) attempt(ctx context.Context, call *Call, deadline time.Time) (*Reply, error) {
	sent := c.take(call)
	defer c.release(sent)
	defer sent.leave()
	if err := c.encode(call, sent); err != nil {
		return nil, err
	}
	sent.to = c.destinations.To(destination{call.Method.Module, call.Method.Version, call.Instance})
	sent.deadline = deadline
	if err := c.awaitReady(ctx, sent.deadline); err != nil {
		return nil, err
	}
	if err := c.open.add(sent); err != nil {
		return nil, err
	}
	c.startExpiry(sent)
	c.counters.calls.Add(1)
	sent.holders.Add(1)
	to, quick := sent.to, batch.Quick(call.Method.pace.Expected())
	to.AddOpen(1, quick)
	defer to.AddOpen(-1, quick)
	sent.gather()
	if err := c.await(ctx, sent); err != nil {
		return nil, err
	}
	return decodeReply(call, &sent.outcome)
}

// take returns an openCall that its caller holds.
func (c *Client) take(call *Call) *openCall {
	sent, ok := c.idle.Get().(*openCall)
	if !ok {
		sent = &openCall{done: make(chan struct{}, 1)}
	}
	sent.method, sent.metadata = call.Method, call.Metadata
	sent.holders.Store(1)
	return sent
}

// maxSpareEncoded bounds the memory for payloads that is kept for later calls.
const maxSpareEncoded = 64 << 10

// release ends a hold; the last makes the call free for use again.
func (c *Client) release(call *openCall) {
	if call.holders.Add(-1) > 0 {
		return
	}
	call.method, call.to, call.metadata, call.outcome = nil, nil, nil, outcome{}
	call.left, call.published, call.sent, call.refusals = false, false, false, 0
	if cap(call.encoded) > maxSpareEncoded {
		call.encoded = nil
	}
	c.idle.Put(call)
}

func checkCall(call *Call) error {
	if call.Method == nil {
		return NewError(codes.InvalidArgument, "the call cannot be sent: it has no method")
	}
	if err := contract.CheckMethod(call.Method.Name); err != nil {
		return Errorf(codes.InvalidArgument, "the call cannot be sent: %w", err)
	}
	if err := wire.CheckMetadata(call.Metadata); err != nil {
		return Errorf(codes.InvalidArgument, "the call of %s cannot be sent: %w", call.Method, err)
	}
	if call.Instance == "" {
		return nil
	}
	if err := wire.CheckWord(call.Instance); err != nil {
		return Errorf(codes.InvalidArgument, "the call of %s cannot be sent to one instance: %w", call.Method, err)
	}
	if !strings.HasPrefix(call.Method.Name, wire.BuiltinPrefix) {
		return Errorf(codes.InvalidArgument, "the call of %s cannot be sent to one instance: only built-in methods can", call.Method)
	}
	return nil
}

// encode gives the call's payload to the openCall.
func (c *Client) encode(call *Call, sent *openCall) error {
	payload := call.Payload
	if call.Message != nil {
		var err error
		if payload, err = (proto.MarshalOptions{}).MarshalAppend(sent.encoded[:0], call.Message); err != nil {
			return Errorf(codes.InvalidArgument, "the request of %s cannot be encoded: %w", call.Method, err)
		}
		sent.encoded = payload
	}
	if len(payload) > c.config.MaxPayload {
		return Errorf(codes.ResourceExhausted, "the request of %s has %d bytes, more than the %d allowed",
			call.Method, len(payload), c.config.MaxPayload)
	}
	sent.payload = payload
	sent.bytes = callBytes(call.Method, payload, call.Metadata)
	return nil
}

func (c *Client) deadline(ctx context.Context, call *Call) time.Time {
	timeout := c.config.Timeout
	switch {
	case call.Timeout > 0:
		timeout = call.Timeout
	case call.Method.Timeout > 0:
		timeout = call.Method.Timeout
	}
	deadline := time.Now().Add(timeout)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		deadline = earlier
	}
	return deadline
}

// connectGrace is how long after the start of an outage, or of the client, a
// call waits for the reply queue.
const connectGrace = time.Second

// awaitReady waits for the reply queue, which is there once the client has
// connected for the first time.
func (c *Client) awaitReady(ctx context.Context, deadline time.Time) error {
	select {
	case <-c.ready:
	default:
		limit := c.transport.State().Since.Add(connectGrace)
		if deadline.Before(limit) {
			limit = deadline
		}
		timer := time.NewTimer(time.Until(limit))
		defer timer.Stop()
		select {
		case <-c.ready:
		case <-ctx.Done():
			return contextError(ctx)
		case <-c.ctx.Done():
			return errClientClosed
		case <-timer.C:
			return c.notConnected(nil)
		}
	}
	if c.broken != nil {
		return c.broken
	}
	return nil
}

var errClientClosed = NewError(codes.Unavailable, "the client is closed")

func (c *Client) notConnected(cause error) *Error {
	if state := c.transport.State(); state.Err != nil {
		cause = state.Err
	} else if refusal := c.refusal.Load(); refusal != nil {
		cause = *refusal
	}
	if cause == nil {
		cause = transport.ErrDisconnected
	}
	return errorWithPrivateCause(codes.Unavailable, "the client has no reply queue on the broker now", cause)
}

// await waits for what becomes of a call that has been sent.
func (c *Client) await(ctx context.Context, sent *openCall) error {
	select {
	case <-sent.done:
	case <-ctx.Done():
		if c.open.remove(sent.id) != nil {
			c.counters.abandoned.Add(1)
			sent.outcome.err = contextError(ctx)
			c.cancel(sent)
		} else {
			<-sent.done // at the same moment
		}
	}
	if sent.outcome.err != nil {
		return sent.outcome.err
	}
	return nil
}

func decodeReply(call *Call, result *outcome) (*Reply, error) {
	reply := &Reply{
		Payload:  result.reply.Payload,
		Metadata: result.reply.Metadata,
		Instance: result.instance,
		Waited:   result.reply.Waited,
		Handled:  result.reply.Handled,
	}
	if call.reply == nil {
		return reply, nil
	}
	if err := decodeResponse(call.Method, reply.Payload, call.reply); err != nil {
		return nil, err
	}
	reply.Message = call.reply
	return reply, nil
}

func decodeResponse(method *Method, payload []byte, response proto.Message) error {
	if err := proto.Unmarshal(payload, response); err != nil {
		return Errorf(codes.Internal, "the response of %s is not a valid %s: %w",
			method, response.ProtoReflect().Descriptor().FullName(), err)
	}
	return nil
}

// Close refuses new calls, waits for the replies to those that are open until
// ctx ends, and removes the reply queue. What is open then fails as
// UNAVAILABLE.
func (c *Client) Close(ctx context.Context) error {
	if !c.closing.CompareAndSwap(false, true) {
		return nil
	}
	var err error
	select {
	case <-c.open.close():
	case <-ctx.Done():
		err = Errorf(codes.DeadlineExceeded, "the client was closed with %d calls open: %w", c.open.len(), ctx.Err())
	}
	c.stopWatch()
	c.end()
	c.start.Wait()
	c.open.failAll(errClientClosed)
	if c.replies != nil && c.replies.Stop(ctx) == nil {
		_, _ = c.replies.Remove(ctx) // it expires by itself otherwise
	}
	return err
}

// ReplyQueue is the name of the client's reply queue, for those who watch the
// broker.
func (c *Client) ReplyQueue() string { return wire.ReplyQueue(c.name) }
