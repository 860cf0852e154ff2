package dynamic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/registry"
)

// APIs are the APIs of a gateway that nobody compiled in: found when they are
// called first, followed while they are used, dropped when they are not. It is
// safe for concurrent use. Make it with [New], and close it.
type APIs struct {
	config    Config
	table     *table
	instances *instances
	unknown   *unknown
	budget    *budget
	loads     *loads
	store     *store             // nil: no registry
	follower  *registry.Follower // nil likewise
	keeper    *keeper            // nil: no snapshot
	listener  *listener          // nil: no transport
	news      *news              // nil: no notifier
	modules   modules
	revisions revisions
	adopting  sync.Map      // *mqrpcv1.Api to the Origin of what is being adopted
	crowded   chan struct{} // wakes the sweeper: there are too many APIs
	counters  counters

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup
	closed sync.Once
}

// New starts to listen and to follow, and returns at once: it waits for neither
// the broker nor the registry.
func New(config Config) (*APIs, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &APIs{
		config:    config,
		table:     newTable(),
		instances: newInstances(config.Limits.Instances),
		unknown:   newUnknown(config.Limits.Unknown),
		budget:    newBudget(config.Limits.UnknownPerSecond, config.Limits.UnknownBurst),
		loads:     newLoads(config.Limits.Lookups),
		crowded:   make(chan struct{}, 1),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	if err := a.addStatic(config.Static); err != nil {
		a.cancel()
		return nil, fmt.Errorf("dynamic: %w", err)
	}
	if config.Snapshot != nil {
		a.keeper = newKeeper(config.Snapshot, config.Logger)
	}
	if err := a.startFollowing(); err != nil {
		a.cancel()
		return nil, errors.Join(fmt.Errorf("dynamic: %w", err), a.closeKeeper(context.Background()))
	}
	a.followStatic()
	if config.Transport != nil {
		a.listener = newListener(a)
		a.work.Go(a.listener.run)
	}
	a.work.Go(a.sweep)
	return a, nil
}

// Source is what a gateway asks for APIs.
func (a *APIs) Source() gateway.Eager { return (*source)(a) }

// Admin serves what is loaded and who serves it, for people and programs:
//
//	GET /apis                      all APIs that are loaded or announced
//	GET /apis/{module}/{version}   one of them, with its methods
//
// It tells of everything and asks nobody who they are, so it belongs on a
// listener of its own, on the loopback interface.
func (a *APIs) Admin() http.Handler { return a.newAdmin() }

// Listening is closed when the workers' announcements are heard for the first
// time; never without a transport.
func (a *APIs) Listening() <-chan struct{} {
	if a.listener == nil {
		return nil
	}
	return a.listener.ready
}

// Close ends the listening and following and writes what is left to the
// snapshot, until ctx ends. What is loaded is still served; nothing else is
// loaded any more. Calling it again does nothing.
func (a *APIs) Close(ctx context.Context) error {
	var err error
	a.closed.Do(func() { err = a.close(ctx) })
	return err
}

func (a *APIs) close(ctx context.Context) error {
	a.loads.close()
	a.cancel()
	var err error
	if a.follower != nil {
		err = a.follower.Close()
	}
	a.work.Wait()
	return errors.Join(err, a.closeKeeper(ctx))
}

func (a *APIs) closeKeeper(ctx context.Context) error {
	if a.keeper == nil {
		return nil
	}
	return a.keeper.close(ctx)
}
