package registry

import (
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Snapshot keeps the last good state of every API that a gateway has used, for
// a start while the registry is down. registry/disk is one.
//
// All methods are safe for concurrent use, also by several processes.
type Snapshot interface {
	// Put keeps a state in place of what was kept for its API. It is durable
	// when Put returns. A tombstone removes what was kept. A state with a
	// smaller sequence than the one kept is ignored.
	Put(api *mqrpcv1.Api) error

	// Get returns the state that is kept, and when it was put. ErrNotFound:
	// none is, or it is too old. ErrCorrupt: what was kept is damaged; it has
	// been set aside, and the next Get says ErrNotFound.
	Get(key contract.Key) (*mqrpcv1.Api, time.Time, error)
}
