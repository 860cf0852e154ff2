package broadcast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// Config says what a [Notifier] works over. Only Transport is required.
type Config struct {
	// Transport carries the messages. The notifier does not close it.
	Transport runtime.Transport
	// Timeout bounds an announcement. Default: 5 s.
	Timeout time.Duration
	// Logger takes what is wrong with messages. Default: slog.Default().
	Logger *slog.Logger
}

// DefaultTimeout is the default of [Config].Timeout.
const DefaultTimeout = 5 * time.Second

// Notifier implements [registry.Notifier] over a transport. Make it with [New].
// It is safe for concurrent use.
type Notifier struct {
	config Config

	mu      sync.Mutex
	closed  bool
	watches map[*watch]bool
}

var _ registry.Notifier = (*Notifier)(nil)

// New makes a notifier. It sends and declares nothing until it is used.
func New(config Config) (*Notifier, error) {
	if config.Transport == nil {
		return nil, errors.New("broadcast: the notifier needs a Transport")
	}
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &Notifier{config: config, watches: make(map[*watch]bool)}, nil
}

// Announce implements [registry.Notifier]. It returns nil when the broker has
// the message, and also if nobody listens.
func (n *Notifier) Announce(ctx context.Context, api *mqrpcv1.Api) error {
	if err := registry.Validate(api); err != nil {
		return err
	}
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if closed {
		return registry.ErrClosed
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(api)
	if err != nil {
		return fmt.Errorf("%w: %w", registry.ErrInvalid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, n.config.Timeout)
	defer cancel()
	if err := n.publish(ctx, contract.KeyOf(api), body); err != nil {
		return fmt.Errorf("announce %s at %d on the exchange %s: %w: %w",
			contract.KeyOf(api), api.GetSequence(), wire.ChangesExchange, registry.ErrUnavailable, err)
	}
	return nil
}

func (n *Notifier) publish(ctx context.Context, key contract.Key, body []byte) error {
	deadline, _ := ctx.Deadline()
	result := make(chan error, 1)
	n.config.Transport.Publish(runtime.Publishing{
		Exchange:   wire.ChangesExchange,
		RoutingKey: wire.APIKey(key.Module, key.Version),
		Type:       wire.TypeChange,
		Body:       body,
		Deadline:   deadline,
	}, func(err error) { result <- err })
	select {
	case err := <-result:
		if errors.Is(err, runtime.ErrNoQueue) {
			return nil // nobody listens
		}
		return err
	case <-ctx.Done():
		return context.Cause(ctx) // it may be on its way
	}
}

// Close implements [registry.Notifier]. It leaves the transport open.
func (n *Notifier) Close() error {
	n.mu.Lock()
	n.closed = true
	watches := make([]*watch, 0, len(n.watches))
	for w := range n.watches {
		watches = append(watches, w)
	}
	n.mu.Unlock()
	var errs []error
	for _, w := range watches {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}
