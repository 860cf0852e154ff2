package registry

import (
	"context"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// KeepChanges is how many of an API's newest changes a store keeps at least,
// the current state among them. It may drop older ones when it saves.
const KeepChanges = 100

// The limits of one answer of a store.
const (
	// MaxPage is the greatest number of entries in one page of a list or of a
	// history, and what a limit of zero means.
	MaxPage = 1000
	// MaxHeads is the greatest number of keys in one [Store.Heads].
	MaxHeads = 1000
)

// Store persists APIs and their history.
//
// All methods are safe for concurrent use, return soon after ctx has ended,
// and have a time limit of their own besides, in the order of seconds. They
// return this package's errors, wrapped: [ErrUnavailable] for whatever may go
// away by itself, a passed time limit among it, and [ErrClosed] after Close.
// When ctx has ended, errors.Is also knows ctx's error. Nothing that is passed
// in is kept or changed, and nothing that is returned is shared.
//
// A read that begins after a Save has returned sees what was saved.
type Store interface {
	// Load returns the current state of an API, tombstones included.
	// ErrNotFound: it has never been saved.
	Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error)

	// LoadAt returns the state that an API had at an earlier sequence.
	// ErrNotFound: there is no such change, or it is not kept any more.
	LoadAt(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error)

	// Heads returns the current heads of those of the keys that have ever been
	// saved, tombstones included, in any order, without reading their contents.
	// It is what a poll asks, so it costs as little as the store allows.
	// A damaged one is left out, so that it holds no other up: Load says what is
	// wrong with it. At most [MaxHeads] keys: ErrInvalid for more.
	Heads(ctx context.Context, keys []contract.Key) ([]Head, error)

	// List returns a page of the current heads in the order of [contract.Key.Compare],
	// without reading their contents. A damaged one is left out. A page that is
	// not full is the last.
	List(ctx context.Context, query ListQuery) ([]Head, error)

	// History returns a page of an API's changes, the newest first. A page that
	// is not full is the last. ErrNotFound: the API has never been saved.
	History(ctx context.Context, query HistoryQuery) ([]Change, error)

	// Save makes api the current state and adds it to the history, if
	// api.sequence is exactly one more than the stored one (1 for a new API):
	// of several writers exactly one wins. Else nothing happens and the error
	// is ErrConflict. An API that does not [Validate] is ErrInvalid. After
	// ErrUnavailable the caller loads to see what has become of it.
	Save(ctx context.Context, api *mqrpcv1.Api) error

	// Close ends the store. It waits for what is under way and leaves no
	// goroutine behind. Calling it again does nothing.
	Close() error
}

// ListQuery says which APIs to list. The zero value lists the first page of all
// that are not deleted.
type ListQuery struct {
	// Module limits the list to one module. Empty: all.
	Module string
	// After is the last key of the page before. Zero: from the beginning.
	After contract.Key
	// Limit is the greatest number of heads. Zero, and more than [MaxPage]:
	// MaxPage.
	Limit int
	// Deleted lists tombstones, too.
	Deleted bool
}

// PageSize is the limit with its default and bound applied.
func (q ListQuery) PageSize() int { return pageSize(q.Limit) }

// HistoryQuery says which changes of which API to list.
type HistoryQuery struct {
	// Key is the API.
	Key contract.Key
	// Before is the sequence of the last change of the page before. Zero: from
	// the newest.
	Before int64
	// Limit is the greatest number of changes. Zero, and more than [MaxPage]:
	// MaxPage.
	Limit int
}

// PageSize is the limit with its default and bound applied.
func (q HistoryQuery) PageSize() int { return pageSize(q.Limit) }

func pageSize(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}

// Change is one entry of an API's history.
type Change struct {
	Head

	// Changed is when the change was made, by the clock of who made it.
	Changed time.Time `json:"changed"`
	// ChangedBy says who made the change and how.
	ChangedBy string `json:"changedBy"`
}

// ChangeOf is the entry of a state in its API's history.
func ChangeOf(api *mqrpcv1.Api) Change {
	change := Change{Head: HeadOf(api), ChangedBy: api.GetChangedBy()}
	if api.GetChanged() != nil {
		change.Changed = api.GetChanged().AsTime()
	}
	return change
}
