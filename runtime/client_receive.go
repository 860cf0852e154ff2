package runtime

import (
	"errors"
	"log/slog"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// replyQueueExpires is how long the reply queue outlives its connection, by
// PROTOCOL.md section 2.
const replyQueueExpires = time.Minute

// consumeReplies consumes the reply queue, now or as soon as there is a connection
// and the broker agrees.
func (c *Client) consumeReplies() {
	defer close(c.ready)
	replies, err := transport.ConsumePersistently(c.ctx, c.transport, transport.Queue{
		Name:     c.ReplyQueue(),
		Bindings: []transport.Binding{{Exchange: wire.RepliesExchange, Key: wire.ReplyPattern(c.name)}},
		Expires:  replyQueueExpires,
		Owned:    true,
	}, c.receive, c.refused)
	if err != nil {
		c.broken = errorWithPrivateCause(codes.Unavailable, "the client has no reply queue on the broker", err)
		return
	}
	c.replies = replies
}

// refused notes why the reply queue cannot be consumed now.
func (c *Client) refused(err error) {
	c.refusal.Store(&err)
	c.complaints.do(func(more int) {
		c.log.Warn("the client cannot consume its reply queue; calls fail, and it tries again",
			slog.Any("error", err), slog.String("queue", c.ReplyQueue()), slog.Int("alike", more))
	})
}

// receive takes what instances answer: the replies of one message, or a claim
// that was asked for.
func (c *Client) receive(delivery *transport.Delivery) {
	defer delivery.Settle.Ack()
	from, err := wire.AnsweredAPI(delivery.RoutingKey, c.name)
	if err == nil {
		switch delivery.Type {
		case wire.TypeReply:
			err = c.receiveReplies(delivery, from)
		case wire.TypeClaim:
			err = c.receiveClaim(delivery, from)
		default:
			err = errors.New("its type is none that a client knows")
		}
	}
	if err != nil {
		c.counters.malformed.Add(1)
		c.complaints.do(func(more int) {
			c.log.Warn("a malformed message in the reply queue was dropped",
				slog.Any("error", err), slog.String("queue", c.ReplyQueue()), slog.Int("alike", more))
		})
	}
}

func (c *Client) receiveReplies(delivery *transport.Delivery, from string) error {
	sender, replies, err := wire.AppendDecodedReplies(c.decoded[:0], delivery.Body, c.lastInstance)
	if err != nil {
		return err
	}
	defer c.forget(replies)
	c.lastInstance = sender.Instance
	api := answering{key: from}
	for i := range replies {
		c.finish(sender.Instance, &replies[i], &api)
	}
	if api.module != "" {
		c.destinations.To(destination{module: api.module, version: api.version}).Heard(sender.Instance, sender.Free)
	}
	return nil
}

func (c *Client) receiveClaim(delivery *transport.Delivery, from string) error {
	claim, err := wire.DecodeClaim(delivery.Body, from)
	if err == nil {
		c.questions.answer(question{claim.GetModule(), claim.GetVersion(), claim.GetMethod()})
	}
	return err
}

// answering is the API that replies come from: the broker lets those alone send
// with its key who may answer for it.
type answering struct {
	key             string // the part of the routing key that names it
	module, version string // as known from a method that was found to be its
}

// is reports whether a method belongs to the API.
func (a *answering) is(method *Method) bool {
	if method.Module == a.module && method.Version == a.version {
		return true
	}
	if wire.APIKey(method.Module, method.Version) != a.key {
		return false
	}
	a.module, a.version = method.Module, method.Version
	return true
}

// maxSpareReplies bounds the memory for decoded replies that is kept for the
// next message.
const maxSpareReplies = 1024

// forget keeps the memory of replies, and nothing that they refer to.
func (c *Client) forget(replies []wire.Reply) {
	clear(replies)
	if cap(replies) <= maxSpareReplies {
		c.decoded = replies[:0]
	}
}

// finish hands a reply to its caller.
func (c *Client) finish(instance string, reply *wire.Reply, from *answering) {
	call := c.open.removeFor(reply.ID, from)
	if call == nil {
		// Its caller gave up, it is the second reply to a repeated call, or it comes
		// from another API than the call went to.
		c.counters.late.Add(1)
		return
	}
	c.counters.replies.Add(1)
	if reply.Handled > 0 {
		call.method.pace.Observe(reply.Handled)
	}
	result := outcome{instance: instance, reply: *reply}
	if reply.Status != nil {
		result.err = statusError(reply.Status)
		result.err.unrun = reply.Handled == 0
	}
	call.finish(result)
}

func statusError(encoded []byte) *Error {
	if len(encoded) > wire.MaxStatusBytes {
		return Errorf(codes.Internal, "the worker's error has %d bytes, more than the %d allowed", len(encoded), wire.MaxStatusBytes)
	}
	var s spb.Status
	if err := proto.Unmarshal(encoded, &s); err != nil {
		return Errorf(codes.Internal, "the worker's error cannot be decoded: %w", err)
	}
	if err := ErrorFromProto(&s); err != nil {
		return err
	}
	return NewError(codes.Internal, "the worker answered with an error of code OK")
}
