package dynamic

import (
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/gateway"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
)

// startFollowing starts the follower, if there is a registry.
func (a *APIs) startFollowing() error {
	if a.config.Store == nil {
		return nil
	}
	a.store = newStore(a.config.Store)
	config := registry.FollowerConfig{
		Store:        a.store,
		Apply:        a.apply,
		PollInterval: a.config.Follow.PollInterval,
		ConfirmAfter: a.config.Follow.ConfirmAfter,
		QueryTimeout: a.config.Follow.QueryTimeout,
		Logger:       a.config.Logger,
	}
	if a.config.Notifier != nil {
		a.news = &news{Notifier: a.config.Notifier, apis: a}
		config.Notifier = a.news
	}
	var err error
	a.follower, err = registry.NewFollower(config)
	return err
}

// apply takes every state that the follower brings into effect.
func (a *APIs) apply(api *mqrpcv1.Api) error {
	origin := FromRegistry
	if given, ok := a.adopting.Load(api); ok {
		origin = given.(Origin)
	}
	return a.install(api, origin)
}

// adopt brings a state into effect that the registry's store did not give.
// Should there be a registry, it has the last word, as soon as it answers.
func (a *APIs) adopt(api *mqrpcv1.Api, origin Origin) error {
	if a.follower == nil {
		return a.install(api, origin)
	}
	key := contract.KeyOf(api)
	a.adopting.Store(api, origin)
	defer a.adopting.Delete(api)
	for range 3 {
		if err := a.follower.Adopt(api); err != nil {
			return err
		}
		if a.table.get(key) != nil {
			return nil
		}
		a.follower.Forget(key) // it followed the API and yet had dropped it
	}
	return fmt.Errorf("%s was dropped again and again", key)
}

// install makes a state the one in effect.
func (a *APIs) install(api *mqrpcv1.Api, origin Origin) error {
	e := a.entryOf(contract.KeyOf(api))
	e.mu.Lock()
	defer e.mu.Unlock()
	next, err := a.build(e, api, origin)
	if err != nil {
		return err
	}
	a.replace(e, next)
	a.keep(api, origin)
	a.forgetUnknown(e.key)
	return nil
}

// entryOf returns the entry of an API, a new one that is not yet in the table if
// there is none.
func (a *APIs) entryOf(key contract.Key) *entry {
	if e := a.table.get(key); e != nil {
		return e
	}
	return newEntry(key)
}

// replace brings a state into effect. The entry's mutex is held.
func (a *APIs) replace(e *entry, next *state) {
	for _, problem := range next.problems {
		a.config.Logger.Error("dynamic: a part of a policy is invalid and left out", "api", e.key.String(), "error", problem)
	}
	e.state.Store(next)
	if a.table.get(e.key) == e {
		a.counters.replaced.Add(1)
		return
	}
	a.table.put(e)
	a.modules.add(e.key.Module)
	if a.table.len() > a.config.Limits.Loaded {
		a.wakeSweeper()
	}
}

// build makes the state of an API ready for calls.
func (a *APIs) build(e *entry, api *mqrpcv1.Api, origin Origin) (*state, error) {
	next := newState(api, origin)
	switch {
	case e.static != nil:
		next.origin, next.revision = FromStatic, e.state.Load().revision
		next.api = &gateway.API{
			Module: e.key.Module, Version: e.key.Version,
			Services: e.static.Services, Resolver: e.static.Resolver,
		}
	case api.GetDeleted():
		return next, nil
	default:
		linked, err := contract.Link(a.ctx, e.key, api.GetFiles())
		if err != nil {
			return nil, err
		}
		next.api = &gateway.API{
			Module: e.key.Module, Version: e.key.Version,
			Services: runtime.ServicesOf(linked), Resolver: linked.Resolver(),
		}
	}
	next.api.Calls = &e.calls
	if !api.GetDeleted() {
		next.api.Policy = api.GetPolicy()
	}
	for _, problem := range next.api.PolicyProblems(a.config.JSON) {
		next.problems = append(next.problems, problem.Error())
	}
	return next, nil
}

// keep writes a state that is new to the snapshot.
func (a *APIs) keep(api *mqrpcv1.Api, origin Origin) {
	if a.keeper == nil || origin == FromSnapshot || origin == FromStatic {
		return
	}
	a.keeper.put(api)
}

// addStatic puts the services that are compiled in into the table.
func (a *APIs) addStatic(services []*runtime.Service) error {
	compiled, err := gateway.Static(services...)
	if err != nil {
		return err
	}
	for _, api := range compiled.(gateway.Eager).Known() {
		e := newEntry(contract.Key{Module: api.Module, Version: api.Version})
		e.static = api
		now := newState(&mqrpcv1.Api{Revision: revisionOf(api.Services)}, FromStatic)
		now.api = &gateway.API{Module: api.Module, Version: api.Version, Services: api.Services, Calls: &e.calls}
		e.state.Store(now)
		a.table.put(e)
		a.modules.add(e.key.Module)
	}
	return nil
}

// followStatic follows the APIs that are compiled in, for their policies: what
// the snapshot has until the registry says what it has.
func (a *APIs) followStatic() {
	if a.follower == nil {
		return
	}
	for e := range a.table.all() {
		if e.static == nil {
			continue
		}
		if a.fromSnapshot(e.key, 1) == nil {
			continue
		}
		api := &mqrpcv1.Api{
			Module: e.key.Module, Version: e.key.Version,
			Revision: e.state.Load().revision, Changed: timestamppb.Now(),
		}
		if err := a.adopt(api, FromStatic); err != nil {
			a.config.Logger.Error("dynamic: a compiled-in API cannot be followed", "api", e.key.String(), "error", err)
		}
	}
}
