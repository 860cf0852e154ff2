package catalog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/presence"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
)

// Catalog is what a gateway knows of APIs now: found when they are called first,
// followed while they are used, dropped when they are not. It is safe for
// concurrent use. Make it with [New], and close it.
type Catalog struct {
	config   Config
	table    *table
	slots    chan struct{} // one for each query or contract that is worked on
	budget   *rate.Limiter // of lookups in vain
	store    *store        // nil: no registry
	poll     *poll         // nil likewise
	watch    registry.Watch
	keeper   *keeper            // nil: no snapshot
	listener *presence.Listener // of claims; nil: no transport
	crowded  chan struct{}      // wakes the sweeper: there are too many APIs
	counters counters

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // grows with mu held, while closed is false
}

// New starts to listen and to follow, and returns at once: it waits for neither
// the broker nor the registry.
func New(config Config) (*Catalog, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Catalog{
		config:  config,
		table:   newTable(),
		slots:   make(chan struct{}, config.Limits.Lookups),
		budget:  rate.NewLimiter(rate.Limit(config.Limits.UnknownPerSecond), config.Limits.UnknownBurst),
		crowded: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.addStatic(config.Static); err != nil {
		c.cancel()
		return nil, fmt.Errorf("catalog: %w", err)
	}
	if config.Snapshot != nil {
		c.keeper = newKeeper(config.Snapshot, config.Logger)
	}
	if err := c.startFollowing(); err != nil {
		return nil, errors.Join(fmt.Errorf("catalog: %w", err), c.Close(context.Background()))
	}
	if config.Transport != nil {
		c.listener = c.listen()
	}
	c.running.Go(c.sweep)
	c.followStatic()
	return c, nil
}

// Listening is closed when what workers claim is heard for the first time; never
// without a transport.
func (c *Catalog) Listening() <-chan struct{} {
	if c.listener == nil {
		return nil
	}
	return c.listener.Listening()
}

// Close ends the listening and following and writes what is left to the
// snapshot, until ctx ends. What is loaded is still served; nothing else is
// loaded any more. Calling it again does nothing.
func (c *Catalog) Close(ctx context.Context) error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.cancel()
	if c.listener != nil {
		c.listener.Close()
	}
	var err error
	if c.watch != nil {
		err = c.watch.Close()
	}
	c.running.Wait()
	if c.keeper != nil {
		err = errors.Join(err, c.keeper.close(ctx))
	}
	return err
}

// Known are the APIs that are compiled in.
func (c *Catalog) Known() []*API {
	var known []*API
	for e := range c.table.all() {
		if now := e.now.Load(); e.static != nil && now != nil {
			known = append(known, now.api)
		}
	}
	return known
}

// addStatic puts the services that are compiled in into the table, in effect.
func (c *Catalog) addStatic(services []*runtime.Service) error {
	var added []*entry
	for _, service := range services {
		if service == nil {
			return errors.New("a service is nil")
		}
		key := contract.Key{Module: service.Module, Version: service.Version}
		if err := key.Check(); err != nil {
			return fmt.Errorf("service %s: %w", service.FullName, err)
		}
		e := c.table.lock(key)
		if e.static == nil {
			e.static = &API{Module: key.Module, Version: key.Version}
			added = append(added, e)
		}
		e.static.Services = append(e.static.Services, service)
		e.mu.Unlock()
	}
	for _, e := range added {
		e.contracts.lastOrigin = FromStatic
		e.contracts.addStatic(e.key, e.static.Services)
		c.settle(e)
	}
	return nil
}

// addStatic keeps the contract of services that are compiled in. It does not if
// their descriptors are not: then nothing can be compared with them.
func (c *contracts) addStatic(key contract.Key, services []*runtime.Service) {
	names := make([]protoreflect.FullName, len(services))
	for i, service := range services {
		names[i] = service.FullName
	}
	set, err := contract.CollectServices(names...)
	if err != nil {
		return
	}
	name := contract.Revision(set)
	if _, err := c.link(context.Background(), key, name, set); err == nil {
		c.last = name
	}
}

// followStatic follows the APIs that are compiled in, for their policies.
func (c *Catalog) followStatic() {
	if c.store == nil {
		return
	}
	for e := range c.table.all() {
		e.mu.Lock()
		e.followed = true
		c.want(e, attend)
		e.mu.Unlock()
	}
}

// attend takes the policy of an API that is compiled in: what the snapshot has,
// until the registry says what it has.
func (c *Catalog) attend(e *entry) {
	c.follow(e.key)
	c.refresh(e)
	e.mu.Lock()
	answered := e.registry.answered
	if answered {
		c.recheck(e)
	}
	e.mu.Unlock()
	if !answered {
		_ = c.recall(e, true) // it is logged
	}
	c.settle(e)
}
