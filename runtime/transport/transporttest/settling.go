package transporttest

// settling: ack, requeue, redelivery.
var settling = []check{
	{name: "an acknowledged message does not come again", run: ackIsFinal},
	{name: "a requeued message comes back before all others, marked", run: requeueAtHead},
	{name: "requeued messages return to their places", run: requeueInOrder},
	{name: "another consumer may get a requeued message", run: requeueToAnother},
	{name: "unsettled messages of a closed connection go to another, marked", run: closedConnection},
	{name: "unsettled messages of a stopped consumer come again when its connection closes", run: stoppedConsumer},
	{name: "settling after Close does nothing", run: settlingAfterClose},
}

func ackIsFinal(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	receiver := f.connect()
	box, _ := receiver.consume(queue)
	publisher.send(queue, "a", "b", "c")
	ackAll(box.take(3))
	receiver.close()
	publisher.send(queue, "later")
	second, _ := publisher.consume(queue)
	second.expect("later", false).Settle.Ack()
}

func requeueAtHead(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Prefetch = 1
	box, _ := c.consume(queue)
	c.send(queue, "a", "b", "c")
	box.expect("a", false).Settle.Requeue()
	box.expect("a", true).Settle.Requeue()
	box.expect("a", true).Settle.Ack()
	box.expect("b", false).Settle.Ack()
	box.expect("c", false).Settle.Ack()
}

func requeueInOrder(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Prefetch = 3
	box, consumer := c.consume(queue)
	c.send(queue, "a", "b", "c", "d")
	taken := box.take(3)
	f.stop(consumer)
	for _, i := range []int{2, 0, 1} {
		taken[i].Settle.Requeue()
	}
	// The broker takes settlements in order, but declares on another channel:
	// only what the next connection sees is certain.
	c.close()
	second, _ := f.connect().consume(queue)
	second.expect("a", true).Settle.Ack()
	second.expect("b", true).Settle.Ack()
	second.expect("c", true).Settle.Ack()
	second.expect("d", false).Settle.Ack()
}

func requeueToAnother(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	box, consumer := f.connect().consume(queue)
	publisher.send(queue, "a")
	d := box.expect("a", false)
	f.stop(consumer)
	second, _ := f.connect().consume(queue)
	d.Settle.Requeue()
	second.expect("a", true).Settle.Ack()
}

func closedConnection(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	queue.Prefetch = 2
	dying := f.connect()
	box, _ := dying.consume(queue)
	publisher.send(queue, "a", "b", "c")
	box.take(2)
	dying.close()
	second, _ := publisher.consume(queue)
	second.expect("a", true).Settle.Ack()
	second.expect("b", true).Settle.Ack()
	second.expect("c", false).Settle.Ack()
}

func stoppedConsumer(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	dying := f.connect()
	box, consumer := dying.consume(queue)
	publisher.send(queue, "a")
	box.expect("a", false)
	f.stop(consumer)
	second, _ := publisher.consume(queue)
	publisher.send(queue, "b")
	second.expect("b", false).Settle.Ack() // "a" is still the first one's
	dying.close()
	second.expect("a", true).Settle.Ack()
}

func settlingAfterClose(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	dying := f.connect()
	box, _ := dying.consume(queue)
	publisher.send(queue, "a", "b")
	taken := box.take(2)
	dying.close()
	taken[0].Settle.Ack()
	taken[1].Settle.Requeue()
	second, _ := publisher.consume(queue)
	second.expect("a", true).Settle.Ack()
	second.expect("b", true).Settle.Ack()
}
