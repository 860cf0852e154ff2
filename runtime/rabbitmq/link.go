package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// link is one connection to the broker, from its handshake to its end. What it
// writes after its set-up is written by one goroutine, so that publishing and
// settling never block their callers; a lone message by its publisher, as far as
// the network takes it at once.
type link struct {
	number     int // counts the transport's connections, from 1
	connection *amqp.Connection
	socket     *corked       // below the connection, and below TLS
	publishing *amqp.Channel // in confirm mode
	lone       *loneChannel
	outbox     *outbox

	confirms chan amqp.Confirmation
	returns  chan amqp.Return
	blocks   chan amqp.Blocking
	lost     chan *amqp.Error // the connection ended
	failed   chan *amqp.Error // the publishing channel ended

	ended chan struct{} // closed when the link is of no use any more
	end   sync.Once

	settlements settlements

	writing sync.Mutex // held by who writes
	// sent counts the messages that the broker confirms: these numbers are its
	// delivery tags. It is guarded by writing.
	sent uint64
}

// The capacity of the channels on which amqp091 tells of confirms and returns;
// its reader waits when they are full.
const notifyCapacity = 256

// exchanges are those of PROTOCOL.md section 2.
var exchanges = []struct{ name, kind string }{
	{wire.CallExchange, amqp.ExchangeTopic},
	{wire.ReplyExchange, amqp.ExchangeTopic},
	{wire.RegistryExchange, amqp.ExchangeFanout},
}

// openLink prepares a fresh connection: the exchanges, a channel in confirm mode,
// and one for lone messages.
func openLink(connection *amqp.Connection, socket *corked, number int, out *outbox) (*link, error) {
	channel, err := connection.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	for _, exchange := range exchanges {
		if err := channel.ExchangeDeclare(exchange.name, exchange.kind, true, false, false, false, nil); err != nil {
			return nil, fmt.Errorf("declare the exchange %s: %w", exchange.name, err)
		}
	}
	if err := channel.Confirm(false); err != nil {
		return nil, fmt.Errorf("turn publisher confirms on: %w", err)
	}
	lone, err := openLoneChannel(connection, out)
	if err != nil {
		return nil, err
	}
	return &link{
		number:      number,
		connection:  connection,
		socket:      socket,
		publishing:  channel,
		lone:        lone,
		outbox:      out,
		confirms:    channel.NotifyPublish(make(chan amqp.Confirmation, notifyCapacity)),
		returns:     channel.NotifyReturn(make(chan amqp.Return, notifyCapacity)),
		blocks:      connection.NotifyBlocked(make(chan amqp.Blocking, 8)),
		lost:        connection.NotifyClose(make(chan *amqp.Error, 1)),
		failed:      channel.NotifyClose(make(chan *amqp.Error, 1)),
		ended:       make(chan struct{}),
		settlements: settlements{errand: errand{delay: settleDelay, poke: out.poke}},
	}, nil
}

// run writes and reads until the link ends, and returns why it did. onBlocked
// is called when the broker blocks publishers and when it stops doing so.
func (l *link) run(onBlocked func(amqp.Blocking)) error {
	var loops sync.WaitGroup
	loops.Go(l.write)
	loops.Go(l.readConfirms)
	loops.Go(func() { l.lone.settle(l.ended) })
	err := l.wait(onBlocked)
	l.close()
	loops.Wait()
	l.writing.Lock() // for ever: what a publisher wrote now would be lost
	return err
}

func (l *link) wait(onBlocked func(amqp.Blocking)) error {
	for {
		select {
		case blocking, ok := <-l.blocks:
			if !ok {
				l.blocks = nil
				continue
			}
			onBlocked(blocking)
		case cause := <-l.lost:
			return closeError("the connection ended", cause)
		case cause := <-l.failed:
			return l.channelError("the publishing channel ended", cause)
		case cause := <-l.lone.failed:
			return l.channelError("the publishing channel for lone messages ended", cause)
		case <-l.ended:
			return errors.New("closed")
		}
	}
}

// channelError is why a channel ended: when the whole connection ends, its
// channels tell, too.
func (l *link) channelError(what string, cause *amqp.Error) error {
	select {
	case connectionCause := <-l.lost:
		return closeError("the connection ended", connectionCause)
	default:
		return closeError(what, cause)
	}
}

func closeError(what string, cause *amqp.Error) error {
	if cause == nil {
		return errors.New(what)
	}
	return fmt.Errorf("%s: %w", what, cause)
}

// closeTimeout bounds the farewell to the broker.
const closeTimeout = 2 * time.Second

// close ends the link. It may be called several times.
func (l *link) close() {
	l.end.Do(func() {
		close(l.ended)
		l.outbox.poke()
		_ = l.connection.CloseDeadline(time.Now().Add(closeTimeout)) // it may be gone already
	})
}

func (l *link) alive() bool { return !l.isEnded() && !l.connection.IsClosed() }

func (l *link) isEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// write sends settlements and messages as they come.
func (l *link) write() {
	for {
		<-l.outbox.wake // also at the end; a select takes several times as long
		if l.isEnded() {
			return
		}
		if err := l.writeAll(); err != nil {
			l.close() // the outbox has the messages still
			return
		}
	}
}

// writeAll writes what there is to write.
func (l *link) writeAll() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.socket.hold()
	l.settlements.writeDue()
	err := errors.Join(l.publishAll(), l.socket.flush())
	if err != nil {
		return err
	}
	return l.lone.fence(l.ended)
}

func (l *link) publishAll() error {
	for {
		if sent, err := l.publishNext(linkWriter); !sent || err != nil {
			return err
		}
	}
}

// writeNow writes the next message in the goroutine of its publisher, which
// spares the way to the writer. It never waits, neither for others who write nor
// for the network: while the socket is held, those that amqp091 lets write add to
// what is held. If it reports false, there is something left for the writer.
func (l *link) writeNow() bool {
	if !l.writing.TryLock() {
		return false
	}
	defer l.writing.Unlock()
	if !l.alive() || !l.socket.holdNow() {
		return false
	}
	_, err := l.publishNext(publisher)
	written := l.socket.flushNow() // else the farewell would be held back, too
	if err != nil {
		go l.close() // it takes its time
	}
	return written && err == nil
}

// publishNext writes the next message of the outbox, if there is one.
func (l *link) publishNext(by writer) (sent bool, err error) {
	now := time.Now()
	message, ok := l.outbox.next(now, by)
	if !ok {
		return false, nil
	}
	publishing := publishing(&message)
	if message.Lone {
		return true, l.lone.publish(&message, &publishing)
	}
	l.sent++
	publishing.MessageId = strconv.FormatUint(l.sent, 10) // tells returned ones apart
	return true, publish(l.publishing, message.Exchange, message.RoutingKey, &publishing)
}

// publishing is the message as it travels. It is transient, as those are that do
// not say.
func publishing(message *runtime.Publishing) amqp.Publishing {
	publishing := amqp.Publishing{
		Type:    message.Type,
		ReplyTo: message.ReplyTo,
		Body:    message.Body,
	}
	if message.Expiration > 0 {
		millis := (message.Expiration + time.Millisecond - 1) / time.Millisecond
		publishing.Expiration = strconv.FormatInt(int64(millis), 10)
	}
	return publishing
}

func publish(channel *amqp.Channel, exchange, key string, message *amqp.Publishing) error {
	const mandatory, immediate = true, false
	return channel.Publish(exchange, key, mandatory, immediate, *message)
}

// readConfirms tells the outbox the fate of each message. amqp091 gives the
// confirms in the order of their tags.
func (l *link) readConfirms() {
	returned := map[string]bool{}
	note := func(message amqp.Return) { returned[message.MessageId] = true }
	for {
		select {
		case message, ok := <-l.returns:
			if !ok {
				l.returns = nil
				continue
			}
			note(message)
		case confirmation, ok := <-l.confirms:
			if !ok {
				return
			}
			// The broker returns a message before it confirms it.
			drain(l.returns, note)
			l.outbox.confirm(fate(confirmation, returned))
		}
	}
}

func drain[T any](channel <-chan T, each func(T)) {
	for {
		select {
		case item, ok := <-channel:
			if !ok {
				return
			}
			each(item)
		default:
			return
		}
	}
}

func fate(confirmation amqp.Confirmation, returned map[string]bool) error {
	if len(returned) > 0 {
		tag := strconv.FormatUint(confirmation.DeliveryTag, 10)
		if returned[tag] {
			delete(returned, tag)
			return runtime.ErrNoQueue
		}
	}
	if !confirmation.Ack {
		return runtime.ErrRefused
	}
	return nil
}

// flush writes the settlements that wait, or gives up when ctx ends.
func (l *link) flush(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.settlements.write()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
