package registry

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/compat"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Push makes the API's files the contract, as [contract.Split] finds them. The policy of
// the stored API stays, unless api has one of its own; the contract is pinned if
// api says so, whatever was before. A deleted API comes back.
// Pushing what is stored already only announces it again.
//
// ErrIncompatible: the contract breaks the stored one, and force is not set. A
// deleted API has no contract that could be broken.
func (p *Publisher) Push(ctx context.Context, api *mqrpcv1.Api, force bool) (Result, error) {
	if _, err := contract.Link(ctx, contract.KeyOf(api), api.GetFiles()); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return p.apply(ctx, contract.KeyOf(api), func(current *mqrpcv1.Api) (*mqrpcv1.Api, []compat.Break, error) {
		next := &mqrpcv1.Api{
			Module:   api.GetModule(),
			Version:  api.GetVersion(),
			Revision: contract.Revision(api.GetFiles()),
			Files:    api.GetFiles(),
			Policy:   current.GetPolicy(),
			Pinned:   api.GetPinned(),
		}
		if api.GetPolicy() != nil {
			next.Policy = api.GetPolicy()
		}
		breaks, err := breaking(ctx, current, next, force)
		return next, breaks, err
	})
}

// Rollback makes an earlier revision the contract again, and pins it: it is in
// effect even while instances serve its successors. The policy stays as it is
// now.
//
// ErrNotFound: there is no such revision in the history. ErrIncompatible as for
// Push.
func (p *Publisher) Rollback(ctx context.Context, key contract.Key, revision string, force bool) (Result, error) {
	earlier, err := p.revision(ctx, key, revision)
	if err != nil {
		return Result{}, fmt.Errorf("roll %s back: nothing was changed: %w", key, err)
	}
	return p.apply(ctx, key, func(current *mqrpcv1.Api) (*mqrpcv1.Api, []compat.Break, error) {
		next := proto.CloneOf(earlier)
		next.Deleted, next.Pinned = false, true
		next.Policy = current.GetPolicy()
		breaks, err := breaking(ctx, current, next, force)
		return next, breaks, err
	})
}

// revision finds the newest state with a revision in the history.
func (p *Publisher) revision(ctx context.Context, key contract.Key, revision string) (*mqrpcv1.Api, error) {
	query := HistoryQuery{Key: key}
	for {
		page, err := p.history(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, change := range page {
			if change.Revision == revision {
				return p.at(ctx, key, change.Sequence)
			}
		}
		if len(page) < query.PageSize() {
			return nil, fmt.Errorf("revision %q of %s: %w", revision, key, ErrNotFound)
		}
		query.Before = page[len(page)-1].Sequence
	}
}

func (p *Publisher) history(ctx context.Context, query HistoryQuery) ([]Change, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	return p.config.Store.History(ctx, query)
}

func (p *Publisher) at(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	return p.config.Store.LoadAt(ctx, key, sequence)
}

// SetEnabled enables or disables an API for gateways. ErrNotFound: there is
// none, or it is deleted.
func (p *Publisher) SetEnabled(ctx context.Context, key contract.Key, enabled bool) (Result, error) {
	return p.SetPolicy(ctx, key, func(policy *mqrpcv1.Policy) error {
		policy.Disabled = !enabled
		return nil
	})
}

// SetPolicy changes the policy of an API. edit gets a copy of the current one;
// it may be called again, with another one, when others change the API, too. An
// error of it ends the change and is returned. ErrNotFound: there is no such
// API, or it is deleted.
func (p *Publisher) SetPolicy(ctx context.Context, key contract.Key, edit func(*mqrpcv1.Policy) error) (Result, error) {
	return p.apply(ctx, key, func(current *mqrpcv1.Api) (*mqrpcv1.Api, []compat.Break, error) {
		if current == nil || current.GetDeleted() {
			return nil, nil, fmt.Errorf("set the policy of %s: %w", key, ErrNotFound)
		}
		next := proto.CloneOf(current)
		if next.GetPolicy() == nil {
			next.Policy = &mqrpcv1.Policy{}
		}
		if err := edit(next.GetPolicy()); err != nil {
			return nil, nil, fmt.Errorf("set the policy of %s: %w", key, err)
		}
		return next, nil, nil
	})
}

// Delete deletes an API. Its history stays, and Push brings it back. Deleting
// what is deleted only announces that again. ErrNotFound: there never was one.
func (p *Publisher) Delete(ctx context.Context, key contract.Key) (Result, error) {
	return p.apply(ctx, key, func(current *mqrpcv1.Api) (*mqrpcv1.Api, []compat.Break, error) {
		if current == nil {
			return nil, nil, fmt.Errorf("delete %s: %w", key, ErrNotFound)
		}
		next := proto.CloneOf(current)
		next.Deleted = true
		return next, nil, nil
	})
}

// breaking compares a new contract with the stored one.
func breaking(ctx context.Context, current, next *mqrpcv1.Api, force bool) ([]compat.Break, error) {
	if current == nil || current.GetDeleted() {
		return nil, nil
	}
	breaks, err := Compare(ctx, current, next)
	if err != nil {
		if force {
			return nil, nil // whatever is stored, it is to be replaced
		}
		return nil, err
	}
	if refused := compat.Breaking(breaks); len(refused) > 0 && !force {
		return breaks, fmt.Errorf("%s: %w:\n%s", contract.KeyOf(next), ErrIncompatible, compat.Lines(refused))
	}
	return breaks, nil
}

// Compare returns what the contract of after breaks for those who use that of
// before. ErrInvalid: the files of one of them do not link.
func Compare(ctx context.Context, before, after *mqrpcv1.Api) ([]compat.Break, error) {
	if before.GetRevision() == after.GetRevision() {
		return nil, nil
	}
	old, err := contract.Link(ctx, contract.KeyOf(before), before.GetFiles())
	if err != nil {
		return nil, errors.Join(ErrInvalid, fmt.Errorf("the stored contract: %w", err))
	}
	now, err := contract.Link(ctx, contract.KeyOf(after), after.GetFiles())
	if err != nil {
		return nil, errors.Join(ErrInvalid, fmt.Errorf("the new contract: %w", err))
	}
	return compat.Check(old.Descriptors(), now.Descriptors()), nil
}
