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
// settling never block their callers.
type link struct {
	number     int // counts the transport's connections, from 1
	user       string
	connection *amqp.Connection
	socket     *bufferedConn // below the connection, and below TLS
	publishing *amqp.Channel // in confirm mode
	outbox     *outbox

	confirms chan amqp.Confirmation
	returns  chan amqp.Return
	blocks   chan amqp.Blocking
	lost     chan *amqp.Error // the connection ended
	failed   chan *amqp.Error // the publishing channel ended

	ended chan struct{} // closed when the link is of no use any more
	end   sync.Once

	settlements settlements
}

// confirmCapacity is how many confirms amqp091 may tell ahead; its reader waits
// when there are more.
const confirmCapacity = 256

// openLink prepares a fresh connection of an account: the exchanges, and a channel
// in confirm mode.
func openLink(connection *amqp.Connection, socket *bufferedConn, user string, number int, out *outbox) (*link, error) {
	for _, exchange := range wire.Exchanges() {
		if err := declareExchange(connection, exchange); err != nil {
			return nil, fmt.Errorf("declare the exchange %s: %w", exchange, err)
		}
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	if err := channel.Confirm(false); err != nil {
		return nil, fmt.Errorf("turn publisher confirms on: %w", err)
	}
	return &link{
		number:     number,
		user:       user,
		connection: connection,
		socket:     socket,
		publishing: channel,
		outbox:     out,
		confirms:   channel.NotifyPublish(make(chan amqp.Confirmation, confirmCapacity)),
		// Without a buffer a return is read before the confirm that follows it.
		returns:     channel.NotifyReturn(make(chan amqp.Return)),
		blocks:      connection.NotifyBlocked(make(chan amqp.Blocking, 8)),
		lost:        connection.NotifyClose(make(chan *amqp.Error, 1)),
		failed:      channel.NotifyClose(make(chan *amqp.Error, 1)),
		ended:       make(chan struct{}),
		settlements: settlements{poke: out.poke},
	}, nil
}

// run writes and reads until the link ends, and returns why it did. onBlocked
// is called when the broker blocks publishers and when it stops doing so.
func (l *link) run(onBlocked func(amqp.Blocking)) error {
	var loops sync.WaitGroup
	loops.Go(l.write)
	loops.Go(l.readConfirms)
	err := l.wait(onBlocked)
	l.close()
	loops.Wait()
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
	for range l.outbox.wake { // also at the end
		if l.isEnded() {
			return
		}
		l.socket.hold()
		l.settlements.write()
		if err := errors.Join(l.publishAll(), l.socket.flush()); err != nil {
			l.close() // the outbox has the messages still
			return
		}
	}
}

func (l *link) publishAll() error {
	for {
		message, number, ok := l.outbox.next(time.Now())
		if !ok {
			return nil
		}
		if err := l.publish(&message, number); err != nil {
			return err
		}
	}
}

// publish writes the message of that number, which is its delivery tag, too.
// It is transient, as those are that do not say.
func (l *link) publish(message *runtime.Publishing, number uint64) error {
	publishing := amqp.Publishing{
		MessageId: strconv.FormatUint(number, 10), // tells returned ones apart
		Type:      message.Type,
		UserId:    l.user, // which the broker checks
		ReplyTo:   message.ReplyTo,
		Body:      message.Body,
	}
	if message.Expiration > 0 {
		millis := (message.Expiration + time.Millisecond - 1) / time.Millisecond
		publishing.Expiration = strconv.FormatInt(int64(millis), 10)
	}
	const mandatory, immediate = true, false
	return l.publishing.Publish(message.Exchange, message.RoutingKey, mandatory, immediate, publishing)
}

// readConfirms tells the outbox the outcome of each message. amqp091 gives the
// confirms in the order of their tags; the broker returns a message before it
// confirms it.
func (l *link) readConfirms() {
	returned := map[uint64]bool{}
	returns := l.returns
	for {
		select {
		case message, ok := <-returns:
			if !ok {
				returns = nil
				continue
			}
			if number, err := strconv.ParseUint(message.MessageId, 10, 64); err == nil {
				returned[number] = true
			}
		case confirmation, ok := <-l.confirms:
			if !ok {
				return
			}
			var err error
			switch {
			case returned[confirmation.DeliveryTag]:
				delete(returned, confirmation.DeliveryTag)
				err = runtime.ErrNoQueue
			case !confirmation.Ack:
				err = runtime.ErrRefused
			}
			l.outbox.confirm(err)
		}
	}
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
