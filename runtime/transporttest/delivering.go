package transporttest

import (
	"bytes"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// delivering: what arrives is what was sent, in its order.
var delivering = []check{
	{name: "properties arrive as they were sent", run: propertiesArrive},
	{name: "bodies of all sizes arrive", run: bodiesArrive},
	{name: "a publisher may reuse its body after done", run: publisherReusesBody},
	{name: "a receiver may change its body", run: receiverChangesBody},
	{name: "messages to one consumer keep their order", run: orderIsKept},
	{name: "messages wait for a consumer in their order", run: messagesWait},
	{name: "deliveries to one consumer do not overlap", run: deliveriesDoNotOverlap},
	{name: "deliver may publish and settle", run: deliverPublishes},
}

func propertiesArrive(f *fixture) {
	c := f.connect()
	for _, sent := range []runtime.Publishing{
		{Exchange: wire.CallsExchange, Type: wire.TypeCall, ReplyTo: "reply_of_somebody", Body: []byte("full")},
		{Exchange: wire.RepliesExchange, Type: wire.TypeReply, Body: []byte("no reply-to")},
		{Exchange: wire.CallsExchange, Body: []byte("no type")},
		{Exchange: wire.CallsExchange, Type: "grüße", ReplyTo: "日本", Body: []byte{0, 0xff, 0xfe}},
	} {
		queue := f.queue()
		queue = bound(queue, sent.Exchange, queue.Name)
		sent.RoutingKey = queue.Name
		box, _ := c.consume(queue)
		before := time.Now()
		if err := c.publish(sent).wait(); err != nil {
			f.t.Fatalf("Publish: %v", err)
		}
		got := box.next()
		got.Settle.Ack()
		if got.Exchange != sent.Exchange || got.RoutingKey != sent.RoutingKey ||
			got.Type != sent.Type || got.ReplyTo != sent.ReplyTo || !bytes.Equal(got.Body, sent.Body) {
			f.t.Errorf("got %+v, want %+v", got, sent)
		}
		if got.Redelivered {
			f.t.Errorf("message %q is marked as redelivered", sent.Body)
		}
		if got.Received.Before(before) || got.Received.After(time.Now()) {
			f.t.Errorf("message %q was received at %v, not between %v and now", sent.Body, got.Received, before)
		}
	}
}

func bodiesArrive(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	// AMQP splits a body into frames, by default of 128 KiB less 8 bytes.
	const frame = 128<<10 - 8
	for _, size := range []int{0, 1, 1000, frame - 1, frame, frame + 1, 2 * frame, 1<<20 + 1, 5 << 20} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(i * 31 >> 3)
		}
		c.send(queue, string(body))
		d := box.next()
		d.Settle.Ack()
		if !bytes.Equal(d.Body, body) {
			f.t.Errorf("a body of %d bytes arrived as %d bytes or with other content", size, len(d.Body))
		}
	}
}

func publisherReusesBody(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	body := []byte("0")
	for i := range 10 {
		body[0] = '0' + byte(i)
		m := message(queue, "")
		m.Body = body
		if err := c.publish(m).wait(); err != nil {
			f.t.Fatalf("Publish: %v", err)
		}
	}
	box, _ := c.consume(queue)
	for i := range 10 {
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

func receiverChangesBody(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	c.send(queue, "as sent")
	first := box.expect("as sent", false)
	copy(first.Body, "changed")
	first.Settle.Requeue()
	box.expect("as sent", true).Settle.Ack()
}

func orderIsKept(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	const messages = 2000
	for i := range messages {
		c.publish(message(queue, strconv.Itoa(i)))
	}
	for i := range messages {
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

func messagesWait(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	publisher.declare(queue)
	publisher.send(queue, "a", "b", "c")
	box, _ := f.connect().consume(queue)
	for _, body := range []string{"a", "b", "c"} {
		box.expect(body, false).Settle.Ack()
	}
}

func deliveriesDoNotOverlap(f *fixture) {
	c, queue := f.connect(), f.queue()
	var running, overlaps, delivered atomic.Int32
	c.consumeInto(queue, func(d *runtime.Delivery) {
		if running.Add(1) > 1 {
			overlaps.Add(1)
		}
		d.Settle.Ack()
		running.Add(-1)
		delivered.Add(1)
	})
	const messages = 500
	for i := range messages {
		c.publish(message(queue, strconv.Itoa(i)))
	}
	f.eventually("all messages are delivered", func() bool { return delivered.Load() == messages })
	if overlaps.Load() > 0 {
		f.t.Errorf("deliver was called %d times while it was running", overlaps.Load())
	}
}

func deliverPublishes(f *fixture) {
	client, server := f.connect(), f.connect()
	calls, replies := f.queue(), f.queue()
	replies = bound(replies, wire.RepliesExchange, replies.Name)
	server.consumeInto(calls, func(d *runtime.Delivery) {
		server.publish(runtime.Publishing{
			Exchange: wire.RepliesExchange, RoutingKey: d.ReplyTo, Type: wire.TypeReply,
			Body: fmt.Appendf(nil, "reply to %s", d.Body),
		})
		d.Settle.Ack()
	})
	box, _ := client.consume(replies)
	for i := range 100 {
		call := message(calls, strconv.Itoa(i))
		call.ReplyTo = replies.Name
		client.publish(call)
	}
	for i := range 100 {
		box.expect(fmt.Sprintf("reply to %d", i), false).Settle.Ack()
	}
}
