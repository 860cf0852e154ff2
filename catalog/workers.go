package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// Workers is how a catalog speaks to workers. Its methods are safe for
// concurrent use and return soon after ctx has ended.
type Workers interface {
	// Describe asks an instance of an API for its contract: the one of that
	// name, which serves that revision. Both may be empty: any will do. The
	// error wraps [runtime.ErrNoWorker] when there is none.
	Describe(ctx context.Context, key contract.Key, instance, revision string) (*mqrpcv1.DescribeResponse, error)

	// Admit tells an instance whether its contract goes together with the one
	// in effect.
	Admit(ctx context.Context, key contract.Key, instance string, admission *mqrpcv1.Admission) error
}

// WorkersOf are the workers that a caller reaches, usually a [*runtime.Client]
// over that transport. Both must be closed after the catalog.
func WorkersOf(caller runtime.Caller, conn transport.Transport) Workers {
	return workers{caller, conn}
}

type workers struct {
	caller    runtime.Caller
	transport transport.Transport
}

// Describe implements [Workers].
func (w workers) Describe(ctx context.Context, key contract.Key, instance, revision string) (*mqrpcv1.DescribeResponse, error) {
	response, err := runtime.DescribeInstance(ctx, w.caller, key.Module, key.Version, instance)
	if err == nil && revision != "" && response.GetRevision() != revision {
		err = fmt.Errorf("instance %s answered with revision %.64q instead of %s", instance, response.GetRevision(), revision)
	}
	return response, err
}

// Admit implements [Workers]. An instance that is gone needs not be told.
func (w workers) Admit(ctx context.Context, key contract.Key, instance string, admission *mqrpcv1.Admission) error {
	body, err := proto.Marshal(admission)
	if err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	outcome := make(chan error, 1)
	w.transport.Publish(transport.Publishing{
		Exchange:   wire.ControlExchange,
		RoutingKey: wire.ControlKey(key.Module, key.Version, instance),
		Type:       wire.TypeAdmission,
		Body:       body,
		Deadline:   deadline,
	}, func(err error) { outcome <- err })
	select {
	case err := <-outcome:
		if errors.Is(err, runtime.ErrNoWorker) {
			return nil
		}
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// describedFor is how long a revision that a worker has described counts as
// served while no instance claims it.
const describedFor = time.Minute

// learn asks workers for the contracts of the revisions that they serve and that
// are not known yet. With any, when nothing else is known of the API, it asks
// for whatever somebody serves, and fails if nobody can say. errAbsent: there is
// no worker.
func (c *Catalog) learn(e *entry, anything bool) error {
	if c.config.Workers == nil {
		return errAbsent
	}
	e.mu.Lock()
	running := e.running()
	asked := make(map[string]string) // revisions to instances that serve them
	for _, revision := range e.contracts.missing(running, anything) {
		asked[revision] = e.servedBy(revision)
	}
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, c.config.StepTimeout)
	defer cancel()
	c.describeAll(ctx, e, asked)
	if !anything || slices.ContainsFunc(running, func(revision string) bool { return e.contracts.of(revision) != nil }) {
		return nil
	}
	api, err := c.describe(ctx, e.key, "", "")
	if err == nil {
		err = c.linkDescribed(ctx, e, api)
	}
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.described = described{revision: api.GetRevision(), until: time.Now().Add(describedFor)}
	return nil
}

// servedBy is the name of an instance that serves a revision, "" if none is
// known. The entry's mutex is held.
func (e *entry) servedBy(revision string) string {
	for name, known := range e.instances {
		if known.Revision == revision {
			return name
		}
	}
	return ""
}

// describeAll asks for the contracts of several revisions at once.
func (c *Catalog) describeAll(ctx context.Context, e *entry, asked map[string]string) {
	type answer struct {
		api *mqrpcv1.Api
		err error
	}
	answers := make(map[string]*answer, len(asked))
	var asking errgroup.Group
	for revision, instance := range asked {
		got := &answer{}
		answers[revision] = got
		asking.Go(func() error {
			got.api, got.err = c.describe(ctx, e.key, instance, revision)
			return nil
		})
	}
	_ = asking.Wait()
	for revision, got := range answers {
		if got.err == nil {
			got.err = c.linkDescribed(ctx, e, got.api)
		}
		if got.err != nil {
			e.contracts.fail(revision, got.err)
		}
	}
}

// linkDescribed links the contract that a worker has described.
func (c *Catalog) linkDescribed(ctx context.Context, e *entry, api *mqrpcv1.Api) error {
	if !c.take(nil) {
		return errClosed
	}
	defer c.give()
	found, err := e.contracts.link(ctx, e.key, api.GetRevision(), api.GetFiles())
	if err != nil {
		return fmt.Errorf("the worker's description: %w", err)
	}
	if c.keeper != nil {
		found.files = api.GetFiles()
	}
	return nil
}

// describe is a worker's description as an API that the registry does not hold.
// errAbsent: there is no worker.
func (c *Catalog) describe(ctx context.Context, key contract.Key, instance, revision string) (*mqrpcv1.Api, error) {
	c.counters.describes.Add(1)
	response, err := c.config.Workers.Describe(ctx, key, instance, revision)
	if errors.Is(err, runtime.ErrNoWorker) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("the worker of %s does not describe itself: %w", key, err)
	}
	api := &mqrpcv1.Api{
		Module:   response.GetModule(),
		Version:  response.GetVersion(),
		Revision: response.GetRevision(),
		Files:    response.GetFiles(),
	}
	if found := contract.KeyOf(api); found != key {
		return nil, fmt.Errorf("the worker of %s describes %.200q", key, found)
	}
	// What the registry holds counts from 1; the rest of the rules are the same.
	numbered := &mqrpcv1.Api{Sequence: 1}
	proto.Merge(numbered, api)
	if err := registry.Validate(numbered); err != nil {
		return nil, fmt.Errorf("the worker's description: %w", err)
	}
	return api, nil
}
