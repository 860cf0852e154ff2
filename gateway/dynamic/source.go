package dynamic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/gateway"
)

// source is the side of the APIs that a gateway sees.
type source APIs

var (
	_ gateway.Eager  = (*source)(nil)
	_ gateway.Loaded = (*source)(nil)
)

// Loaded implements [gateway.Loaded]. It takes no lock.
func (s *source) Loaded(module, version string) *gateway.API {
	if e := s.table.get(contract.Key{Module: module, Version: version}); e != nil {
		return e.use().api
	}
	return nil
}

// API implements [gateway.Source].
func (s *source) API(ctx context.Context, module, version string) (*gateway.API, error) {
	if loaded := s.Loaded(module, version); loaded != nil {
		return loaded, nil
	}
	a := (*APIs)(s)
	key := contract.Key{Module: module, Version: version}
	if contract.CheckModule(module) != nil {
		return nil, gateway.ErrUnknownModule
	}
	if contract.CheckVersion(version) != nil {
		return nil, gateway.ErrUnknownVersion
	}
	return a.load(ctx, key)
}

// Known implements [gateway.Eager].
func (s *source) Known() []*gateway.API {
	var known []*gateway.API
	for e := range s.table.all() {
		if now := e.state.Load(); e.static != nil && now != nil {
			known = append(known, now.api)
		}
	}
	return known
}

// load waits for what becomes of an API that is not in the table.
func (a *APIs) load(ctx context.Context, key contract.Key) (*gateway.API, error) {
	for {
		if e := a.table.get(key); e != nil {
			now := e.use()
			switch {
			case now.api != nil:
				return now.api, nil
			case time.Since(now.since) < a.config.UnknownFor:
				return nil, a.unknownError(key)
			}
			// Deleted for a while: perhaps it is back, or a worker serves it.
			a.drop(e, time.Now().Add(time.Minute))
		}
		if err := a.unknown.get(key); err != nil {
			return nil, a.explain(key, err)
		}
		announced := a.instances.serve(key)
		if !announced && a.budget.empty() {
			a.counters.refused.Add(1)
			return nil, errBusy
		}
		l, err := a.join(key)
		if err != nil {
			return nil, err
		}
		if err := l.wait(ctx, a.loads); err != nil && !errors.Is(err, errAgain) {
			return nil, a.explain(key, err)
		}
	}
}

// Why an API is not there. errAbsent is certain; errDeleted is, too.
var (
	errAbsent  = errors.New("there is none")
	errDeleted = errors.New("the registry has deleted it")
	errBusy    = errors.New("too many unknown APIs are asked for now; try again in a second")
	errClosed  = errors.New("the gateway is stopping")
	errAgain   = errors.New("something else was under way")
)

// explain turns what a lookup has found into what a gateway expects.
func (a *APIs) explain(key contract.Key, err error) error {
	if errors.Is(err, errAbsent) || errors.Is(err, errDeleted) {
		return a.unknownError(key)
	}
	return fmt.Errorf("load: %w", err)
}

// unknownError says which of module and version is unknown, as far as is known
// here.
func (a *APIs) unknownError(key contract.Key) error {
	if a.knowsModule(key.Module) {
		return gateway.ErrUnknownVersion
	}
	return gateway.ErrUnknownModule
}

// knowsModule reports whether some version of the module is served.
func (a *APIs) knowsModule(module string) bool {
	return a.modules.has(module) || a.instances.serveModule(module)
}
