package runtime

import (
	"sync"
	"time"
)

// sampling has some lone calls to a queue confirmed by the broker. Confirms alone
// tell that it refuses calls, for example because an operator has bounded the
// queue. The zero value knows nothing.
type sampling struct {
	mu        sync.Mutex
	confirmed time.Time // when the last message was sent that is confirmed
	refusal   time.Time // when the last refusal came
}

const (
	// samplingInterval is the longest time of sending without a confirm.
	samplingInterval = 10 * time.Millisecond
	// refusalHolds is for how long after a refusal all calls go confirmed.
	refusalHolds = time.Second
)

// confirms reports whether a message that is sent now is to be confirmed.
func (s *sampling) confirms(lone bool, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lone && now.Sub(s.confirmed) < samplingInterval && now.Sub(s.refusal) >= refusalHolds {
		return false
	}
	s.confirmed = now
	return true
}

// refused notes that the broker has refused a message.
func (s *sampling) refused(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = now
}
