package gateway

import (
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc/codes"
)

// inFlight counts what is under way and refuses what is too much.
type inFlight struct {
	limit int64
	count *atomic.Int64
}

func newInFlight(limit int, calls *Calls) *inFlight {
	return &inFlight{limit: int64(limit), count: &calls.count}
}

// enter reports whether there is room for one more. If there is, leave must be
// called when it is done.
func (f *inFlight) enter() bool {
	if f.count.Add(1) > f.limit {
		f.count.Add(-1)
		return false
	}
	return true
}

func (f *inFlight) leave() { f.count.Add(-1) }

// tooManyCalls is the answer where enter refuses.
func tooManyCalls(w http.ResponseWriter, where string) error {
	w.Header().Set("Retry-After", "1")
	return newError(codes.Unavailable, ReasonTooManyCalls, "too many calls are in flight "+where)
}
