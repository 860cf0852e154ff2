package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
)

// Registry is a registry in etcd, store and notifier in one. Make it with
// [Open]. It is safe for concurrent use.
type Registry struct {
	config Config
	keys   keys
	ctx    context.Context // ends when the registry is closed
	cancel context.CancelFunc
	loops  sync.WaitGroup // the loop behind the watches, and operations under way

	dial   sync.Mutex // held while the client is made
	client *clientv3.Client

	mu         sync.Mutex
	closed     bool
	following  bool          // the loop behind the watches runs
	standing   chan struct{} // closed while etcd's watch stands
	stood      bool          // it has stood before
	failures   int           // of Follow
	recovering bool          // a goroutine waits to tell those of it
	feeds      map[*feed.Feed]bool
}

var (
	_ registry.Store    = (*Registry)(nil)
	_ registry.Notifier = (*Registry)(nil)
)

// Open checks the configuration. It does not wait for etcd: a registry connects
// when it is used, and reconnects for ever.
func Open(config Config) (*Registry, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Registry{
		config:   config,
		keys:     keys{prefix: config.Prefix},
		ctx:      ctx,
		cancel:   cancel,
		standing: make(chan struct{}),
		feeds:    make(map[*feed.Feed]bool),
	}, nil
}

// How a lost connection is found and made again.
const (
	keepAlive      = 5 * time.Second
	firstReconnect = 50 * time.Millisecond
	lastReconnect  = time.Second
)

// connect returns the client. Making one asks the server only where there is a
// password to be checked.
func (r *Registry) connect(ctx context.Context) (*clientv3.Client, error) {
	r.dial.Lock()
	defer r.dial.Unlock()
	if r.ctx.Err() != nil {
		return nil, registry.ErrClosed
	}
	if r.client != nil {
		return r.client, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            r.config.Endpoints,
		Username:             r.config.Username,
		Password:             r.config.Password,
		TLS:                  r.config.TLS,
		DialTimeout:          r.config.Timeout,
		DialKeepAliveTime:    keepAlive,
		DialKeepAliveTimeout: keepAlive,
		PermitWithoutStream:  true,
		Context:              r.ctx,
		Logger:               zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: firstReconnect, Multiplier: 1.6, Jitter: 0.2, MaxDelay: lastReconnect,
			},
			MinConnectTimeout: r.config.Timeout,
		})},
	})
	if err != nil {
		return nil, err
	}
	r.client = client
	return client, nil
}

// call does one operation, within the time limit. what is for its error.
func (r *Registry) call(ctx context.Context, what string, do func(context.Context, *clientv3.Client) error) error {
	if !r.begin() {
		return registry.ErrClosed
	}
	defer r.loops.Done()
	limited, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	client, err := r.connect(limited)
	if err == nil {
		r.loops.Go(func() { endWithConnection(limited, client, cancel) })
		err = do(limited, client)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) && ctx.Err() == nil && r.ctx.Err() == nil {
		err = errors.New("no endpoint can be reached")
	}
	err = fmt.Errorf("etcd %s: %s: %w", strings.Join(r.config.Endpoints, ","), what, r.kind(err))
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// endWithConnection cancels an operation as soon as no endpoint can be reached,
// which it would else wait for, until ctx ends.
func endWithConnection(ctx context.Context, client *clientv3.Client, cancel context.CancelFunc) {
	connection := client.ActiveConnection()
	for {
		state := connection.GetState()
		if state == connectivity.TransientFailure {
			cancel()
			return
		}
		if !connection.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// begin counts an operation, unless the registry is closed.
func (r *Registry) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.loops.Add(1)
	return true
}

// kind adds to an error of etcd what the registry calls it.
func (r *Registry) kind(err error) error {
	switch {
	case registry.Classified(err):
		return err
	case r.ctx.Err() != nil:
		return fmt.Errorf("%w: %w", registry.ErrClosed, err)
	case errors.Is(err, rpctypes.ErrAuthFailed), errors.Is(err, rpctypes.ErrPermissionDenied),
		errors.Is(err, rpctypes.ErrUserEmpty), status.Code(err) == codes.PermissionDenied:
		return fmt.Errorf("%w (check the user, the password and the user's role)", err)
	}
	return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
}

// Close implements [registry.Store] and [registry.Notifier].
func (r *Registry) Close() error {
	r.mu.Lock()
	r.closed = true
	feeds := make([]*feed.Feed, 0, len(r.feeds))
	for f := range r.feeds {
		feeds = append(feeds, f)
	}
	r.mu.Unlock()
	r.cancel()
	for _, f := range feeds {
		f.Close()
	}
	r.loops.Wait()

	r.dial.Lock()
	defer r.dial.Unlock()
	if r.client == nil {
		return nil
	}
	err := r.client.Close()
	r.client = nil
	if errors.Is(err, context.Canceled) {
		return nil // the client's context has ended, as it should
	}
	return err
}
