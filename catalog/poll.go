package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

// The back-off of a store that does not answer: from the first, doubled with
// every failure, up to the last, or to the poll interval if that is less.
const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// How long an announced state may take to be saved, and how often the store is
// asked meanwhile: the less, the longer it takes.
const (
	cueFor       = time.Second
	firstCuePoll = 5 * time.Millisecond
	lastCuePoll  = 100 * time.Millisecond
)

// poll is the one that asks the store whether what is loaded has changed, one
// query at a time, so that queries cannot pile up: about everything now and
// then, and about single APIs of which there was news.
type poll struct {
	catalog *Catalog
	wake    chan struct{} // there is more to ask
	back    chan struct{} // the notifier is back after an outage

	mu    sync.Mutex
	due   map[*entry]time.Time // when the store is to be asked about it
	all   bool                 // about all, now
	again time.Time            // about all once more; zero: no more
}

func newPoll(c *Catalog) *poll {
	return &poll{
		catalog: c,
		wake:    make(chan struct{}, 1),
		back:    make(chan struct{}, 1),
		due:     make(map[*entry]time.Time),
	}
}

// ask has the store asked about an entry at some time, or earlier.
func (p *poll) ask(e *entry, at time.Time) {
	p.mu.Lock()
	if due, there := p.due[e]; !there || at.Before(due) {
		p.due[e] = at
	}
	p.mu.Unlock()
	signal(p.wake)
}

// askAll has the store asked about everything: news may have been lost. The
// notifier has come back from an outage, and so probably has the store. It is
// asked once more a while later: a change may have been announced during the
// outage and saved after the first answer.
func (p *poll) askAll() {
	p.mu.Lock()
	p.all, p.again = true, time.Now().Add(2*cueFor)
	p.mu.Unlock()
	signal(p.back)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run asks until the catalog is closed.
func (p *poll) run() {
	interval := p.catalog.config.Follow.PollInterval
	next := time.Now().Add(jitter(interval))
	backoff := time.Duration(0)
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	for {
		select {
		case <-p.catalog.ctx.Done():
			return
		case <-p.wake:
			if backoff > 0 {
				continue // the timer is set
			}
		case <-p.back:
			backoff = 0
		case <-timer.C:
		}
		now := time.Now()
		everything := !now.Before(next)
		if everything {
			next = now.Add(jitter(interval)) // gateways that started together do not poll together
		}
		if p.round(everything) {
			backoff = 0
			timer.Reset(time.Until(p.earliest(next)))
		} else {
			backoff = min(max(2*backoff, firstBackoff), lastBackoff, interval)
			timer.Reset(jitter(backoff))
		}
	}
}

func jitter(d time.Duration) time.Duration {
	return d + rand.N(d/10+1) //nolint:gosec // it spreads load, it guards nothing
}

// earliest is when something is due, at the latest at that time.
func (p *poll) earliest(latest time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.again.IsZero() && p.again.Before(latest) {
		latest = p.again
	}
	for _, at := range p.due {
		if at.Before(latest) {
			latest = at
		}
	}
	return latest
}

// round asks about all that is due, and reports whether the store has answered.
// What it did not answer stays due.
func (p *poll) round(everything bool) bool {
	asked := p.take(everything)
	for i := 0; i < len(asked); i += registry.MaxHeads {
		chunk := asked[i:min(i+registry.MaxHeads, len(asked))]
		if err := p.compare(chunk); err != nil {
			p.keep(asked[i:])
			if p.catalog.ctx.Err() == nil {
				p.catalog.config.Logger.Warn("catalog: the registry cannot be asked for changes, what is loaded stays in effect",
					"apis", len(asked), "error", err)
			}
			return false
		}
	}
	return true
}

// keep makes due again what the store did not answer.
func (p *poll) keep(entries []*entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range entries {
		p.due[e] = time.Now()
	}
}

// take returns what is due, which then is due no more.
func (p *poll) take(everything bool) []*entry {
	now := time.Now()
	var due []*entry
	p.mu.Lock()
	if !p.again.IsZero() && !p.again.After(now) {
		p.all, p.again = true, time.Time{}
	}
	everything = everything || p.all
	p.all = false
	for e, at := range p.due {
		if everything || !at.After(now) {
			due = append(due, e)
			delete(p.due, e)
		}
	}
	p.mu.Unlock()
	if everything {
		due = slices.Collect(p.catalog.table.all())
	}
	return slices.DeleteFunc(due, func(e *entry) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		first := e.lookup != nil && e.now.Load() == nil
		e.news = e.news || first // the lookup asks when it is done
		return !e.followed || first
	})
}

// compare asks for the heads of some entries.
func (p *poll) compare(entries []*entry) error {
	keys := make([]contract.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.key
	}
	heads, err := p.catalog.store.heads(p.catalog.ctx, keys)
	if err != nil {
		return fmt.Errorf("heads of %d APIs: %w", len(keys), err)
	}
	for _, e := range entries {
		p.catalog.compare(e, heads[e.key])
	}
	return nil
}

// compare takes what the store holds of an entry, which is nothing if the head
// is zero. An answer that is out of date costs one more query: what is then read
// is read after everything that is in effect.
func (c *Catalog) compare(e *entry, head registry.Head) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.followed {
		return
	}
	r := &e.registry
	r.answered = true
	now := time.Now()
	switch {
	case head == r.head && r.origin == FromSnapshot:
		r.origin = FromRegistry // it is what the snapshot had
		c.want(e, settle)
	case head == r.head, head == r.rejected:
	case head.Sequence == 0:
		if r.origin == FromRegistry {
			// A store never forgets an API. Whatever has become of it, taking
			// all APIs away from their callers would make it worse.
			c.config.Logger.Error("catalog: the registry has lost an API, which stays in effect", "api", e.key.String())
		}
	case head == r.cue.head && head.Sequence > r.head.Sequence:
		r.cue.saved = true
		c.want(e, reload)
	default:
		c.want(e, reload)
	}
	if r.cue.api != nil && !r.cue.saved {
		c.expectSave(e, head, now)
	}
	if r.recheck.After(now) {
		c.poll.ask(e, r.recheck)
	}
}

// expectSave has the store asked again soon for an announced state that it does
// not hold, and drops it when that has taken too long. The entry's mutex is
// held.
func (c *Catalog) expectSave(e *entry, head registry.Head, now time.Time) {
	cued := &e.registry.cue
	waited := now.Sub(cued.since)
	switch {
	case head.Sequence >= cued.head.Sequence:
		*cued = cue{} // overtaken, or another writer was faster
	case waited < cueFor:
		c.poll.ask(e, now.Add(min(max(waited/2, firstCuePoll), lastCuePoll)))
	default:
		c.config.Logger.Warn("catalog: a change of an API was announced and not saved, it is dropped",
			"api", e.key.String(), "sequence", cued.head.Sequence)
		*cued = cue{}
	}
}
