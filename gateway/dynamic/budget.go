package dynamic

import (
	"sync"
	"time"
)

// budget bounds how many lookups may be in vain: a token for each, of which so
// many come back every second, up to a burst.
type budget struct {
	perSecond, burst float64

	mu     sync.Mutex
	tokens float64
	at     time.Time
}

func newBudget(perSecond, burst int) *budget {
	return &budget{perSecond: float64(perSecond), burst: float64(burst), tokens: float64(burst), at: time.Now()}
}

// refill is called with the mutex held.
func (b *budget) refill() {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.perSecond)
	b.at = now
}

// empty reports whether there is no token now.
func (b *budget) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	return b.tokens < 1
}

// take takes a token, if there is one.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// giveBack returns a token: the lookup was not in vain.
func (b *budget) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.burst, b.tokens+1)
}
