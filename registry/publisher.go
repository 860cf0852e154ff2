package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/compat"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// PublisherConfig says where changes go.
type PublisherConfig struct {
	// Store holds the APIs. Required. The publisher does not close it.
	Store Store
	// Notifier announces changes. Nil: gateways find them with their next poll.
	// The publisher does not close it.
	Notifier Notifier
	// ChangedBy says who makes the changes and how, for the history. At most
	// [MaxChangedByBytes].
	ChangedBy string
	// Timeout bounds each half of a change, the announcement and the save, by
	// itself. Default 10 seconds.
	Timeout time.Duration
}

// DefaultPublishTimeout is the default of [PublisherConfig.Timeout].
const DefaultPublishTimeout = 10 * time.Second

// publishAttempts is how often a change is made anew, on top of what somebody
// else has saved meanwhile.
const publishAttempts = 5

// Publisher changes APIs: it announces a change first and saves it second, and
// does both again, harmlessly, when it is told to once more.
//
// It is safe for concurrent use.
type Publisher struct {
	config PublisherConfig
}

// NewPublisher makes a publisher.
func NewPublisher(config PublisherConfig) (*Publisher, error) {
	if config.Store == nil {
		return nil, errors.New("registry: a publisher needs a Store")
	}
	if len(config.ChangedBy) > MaxChangedByBytes {
		return nil, fmt.Errorf("registry: ChangedBy has %d bytes, more than %d", len(config.ChangedBy), MaxChangedByBytes)
	}
	config.Timeout = cmp.Or(config.Timeout, DefaultPublishTimeout)
	return &Publisher{config: config}, nil
}

// Result is what has become of a change.
type Result struct {
	// API is the state as it is now, or would be. Nil: it was not got that far.
	API *mqrpcv1.Api
	// Before is the head of the state before. Zero: there was none.
	Before Head
	// Changed is true if API differs from the state before. Else the change had
	// been made already, and was only announced again.
	Changed bool
	// Announced and Saved say which halves have succeeded. A state that was in
	// the store already counts as saved.
	Announced, Saved bool
	// Breaks is what a new contract breaks, warnings among them.
	Breaks []compat.Break
}

// change makes the next state out of the current one, which is nil for an
// unknown API and may be a tombstone. It returns a copy.
type change func(current *mqrpcv1.Api) (*mqrpcv1.Api, []compat.Break, error)

// apply makes a change. When somebody else changes the API at the same time, it
// makes the change anew on top of theirs.
func (p *Publisher) apply(ctx context.Context, key contract.Key, change change) (Result, error) {
	if err := key.Check(); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for attempt := 1; ; attempt++ {
		result, err := p.try(ctx, key, change)
		if !errors.Is(err, ErrConflict) || attempt == publishAttempts {
			return result, err
		}
	}
}

func (p *Publisher) try(ctx context.Context, key contract.Key, change change) (Result, error) {
	current, err := p.current(ctx, key)
	if err != nil {
		return Result{}, fmt.Errorf("nothing was changed: %w", err)
	}
	var result Result
	if current != nil {
		result.Before = HeadOf(current)
	}
	next, breaks, err := change(current)
	result.Breaks = breaks
	if err != nil {
		return result, err
	}
	result.Changed = current == nil || Digest(next) != result.Before.Digest
	if result.Changed {
		next.Sequence = result.Before.Sequence + 1
		next.Changed = timestamppb.Now()
		next.ChangedBy = p.config.ChangedBy
	} else {
		next = current // with the account of who changed it in truth
		result.Saved = true
	}
	result.API = next
	if err := Validate(next); err != nil {
		return result, err
	}
	return p.publish(ctx, result)
}

// current loads the state of an API, nil if there is none.
func (p *Publisher) current(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	current, err := p.config.Store.Load(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return current, err
}

// publish announces and saves. The save goes ahead when the announcement fails:
// gateways then find the change with their poll.
func (p *Publisher) publish(ctx context.Context, result Result) (Result, error) {
	announcing := p.announce(ctx, result.API)
	result.Announced = announcing == nil && p.config.Notifier != nil
	if result.Saved {
		return result, report(announcing, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	saving := p.config.Store.Save(ctx, result.API)
	result.Saved = saving == nil
	return result, report(announcing, saving)
}

func (p *Publisher) announce(ctx context.Context, api *mqrpcv1.Api) error {
	if p.config.Notifier == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	return p.config.Notifier.Announce(ctx, proto.CloneOf(api))
}

// report says what has happened and what to do.
func report(announcing, saving error) error {
	switch {
	case announcing == nil && saving == nil:
		return nil
	case saving == nil:
		return fmt.Errorf("the change was saved, but not announced: gateways find it with their next poll; "+
			"run this again to announce it: %w", announcing)
	case errors.Is(saving, ErrConflict):
		return fmt.Errorf("the change was not saved, because others keep changing the API: "+
			"gateways that heard of it go back to the store's state by themselves; run this again: %w", saving)
	case announcing == nil:
		return fmt.Errorf("the change was announced, but it is not certain that it was saved: "+
			"gateways go back to the store's state by themselves if it was not; run this again to save it: %w", saving)
	default:
		return fmt.Errorf("the change was not announced, and it is not certain that it was saved; run this again: %w",
			errors.Join(announcing, saving))
	}
}
