package runtime

import (
	"errors"
	"log/slog"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/wire"
)

// replyQueueExpires is how long the reply queue outlives its connection, by
// PROTOCOL.md section 2.
const replyQueueExpires = time.Minute

// consumeReplies consumes the reply queue, now or as soon as there is a
// connection.
func (c *Client) consumeReplies() {
	defer close(c.ready)
	replies, err := c.transport.Consume(c.ctx, Queue{
		Name:     c.replyQueue,
		Exchange: wire.ReplyExchange,
		Expires:  replyQueueExpires,
		Latest:   true,
	}, c.receive)
	if err != nil {
		c.broken = Errorf(codes.Unavailable, "the client has no reply queue: %w", err)
		return
	}
	c.replies = replies
}

// receive hands the replies of one message to their callers.
func (c *Client) receive(delivery *Delivery) {
	defer delivery.Settle.Ack()
	instance, replies, err := c.decode(delivery)
	defer c.forget(replies)
	if err != nil {
		c.counters.malformed.Add(1)
		c.complaints.do(func(more int) {
			c.log.Warn("a malformed message in the reply queue was dropped",
				slog.Any("error", err), slog.String("queue", c.replyQueue), slog.Int("alike", more))
		})
		return
	}
	for i := range replies {
		c.finish(instance, &replies[i])
	}
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

func (c *Client) decode(delivery *Delivery) (string, []wire.Reply, error) {
	if delivery.Type != wire.TypeReply {
		return "", nil, errors.New("its type is not " + wire.TypeReply)
	}
	instance, replies, err := wire.AppendDecodedReplies(c.decoded[:0], delivery.Body, c.lastInstance)
	if err == nil {
		c.lastInstance = instance
	}
	return instance, replies, err
}

// finish hands a reply to its caller.
func (c *Client) finish(instance string, reply *wire.Reply) {
	call := c.open.remove(reply.ID)
	if call == nil {
		// Its caller gave up, or it is the second reply to a repeated call.
		c.counters.late.Add(1)
		return
	}
	c.counters.replies.Add(1)
	if reply.Handled > 0 {
		call.method.pace.observe(reply.Handled)
	}
	result := outcome{instance: instance, reply: *reply}
	if reply.Status != nil {
		result.err = statusError(reply.Status)
	}
	call.finish(result)
}

func statusError(encoded []byte) *Error {
	var s spb.Status
	if err := proto.Unmarshal(encoded, &s); err != nil {
		return Errorf(codes.Internal, "the worker's error cannot be decoded: %w", err)
	}
	if err := ErrorFromProto(&s); err != nil {
		return err
	}
	return NewError(codes.Internal, "the worker answered with an error of code OK")
}
