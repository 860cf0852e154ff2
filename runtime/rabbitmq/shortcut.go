package rabbitmq

import (
	"errors"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/wire"
)

// Topic exchanges are there for taps, and finding queues by topic is a quarter
// of the broker's work for a lone message. So where no tap listens, lone messages
// take a shortcut: the default exchange, which knows each queue by its name.
//
// A probe tells whether one listens: an empty message to the topic exchange with
// a key that taps alone bind. The broker returns it if there is none.
const (
	// shortcutHolds is for how long a probe that has come back lets messages
	// take the shortcut: what a tap may miss when it begins.
	shortcutHolds = 2 * fenceDelay
	// tapHolds is the time from a probe that a tap has got to the next one.
	tapHolds = time.Second
	// worthProbing is the number of messages between two fences from which a
	// shortcut saves more than the probe costs.
	worthProbing = 4
)

// shortcuts are those of one connection, by the exchanges that they avoid.
type shortcuts struct {
	mu        sync.Mutex
	exchanges map[string]*shortcut
}

type shortcut struct {
	messages int       // since the last fence
	asked    time.Time // when the last probe was sent
	pending  bool      // it has not come back
	until    time.Time // the shortcut is open
}

// openShortcuts returns nil if the user may not write to the default exchange.
// A channel tells that by its end.
func openShortcuts(connection *amqp.Connection) (*shortcuts, error) {
	channel, err := connection.Channel()
	if err != nil {
		return nil, err
	}
	defer func() { _ = channel.Close() }() // a refusal has closed it already
	if err := probe(channel, defaultExchange, 0); err != nil {
		return nil, err
	}
	err = answered(channel)
	var refusal *amqp.Error
	if errors.As(err, &refusal) && refusal.Code == amqp.AccessRefused {
		return nil, nil //nolint:nilnil // see above
	}
	return newShortcuts(), err
}

func newShortcuts() *shortcuts { return &shortcuts{exchanges: map[string]*shortcut{}} }

// route is the exchange that a lone message goes to.
func (s *shortcuts) route(exchange string, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	way, known := s.exchanges[exchange]
	if !known {
		way = &shortcut{}
		s.exchanges[exchange] = way
	}
	way.messages++
	if now.Before(way.until) {
		return defaultExchange
	}
	return exchange
}

// toProbe are the exchanges that are worth a probe now.
func (s *shortcuts) toProbe(now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var exchanges []string
	for exchange, way := range s.exchanges {
		tapped := way.pending && now.Sub(way.asked) < tapHolds
		if way.messages >= worthProbing && !tapped {
			exchanges = append(exchanges, exchange)
			way.asked, way.pending = now, true
		}
		way.messages = 0
	}
	return exchanges
}

// open notes that a probe has come back.
func (s *shortcuts) open(exchange string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if way, known := s.exchanges[exchange]; known && way.pending {
		way.pending, way.until = false, way.asked.Add(shortcutHolds)
	}
}

const defaultExchange = ""

// probe has a probe tell, should it come back, how many messages were before it.
func probe(channel *amqp.Channel, exchange string, written uint64) error {
	return publish(channel, exchange, wire.ProbeKey, &amqp.Publishing{
		Type:      wire.TypeProbe,
		MessageId: strconv.FormatUint(written, 10),
	})
}
