package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
)

const (
	// The waits between two links.
	firstReconnect = 20 * time.Millisecond
	lastReconnect  = time.Second

	// watchesAtOnce is how many watches are set at the same time.
	watchesAtOnce = 32
	// watchAgain is when a watch that could not be set is tried again.
	watchAgain = 200 * time.Millisecond
)

// keepLinked makes one link after the other until the registry is closed.
func (r *Registry) keepLinked() {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = firstReconnect, lastReconnect
	for r.ctx.Err() == nil {
		served, err := r.serve()
		if r.ctx.Err() != nil {
			return
		}
		if served {
			retry.Reset()
		}
		r.report(err)
		select {
		case <-r.ctx.Done():
		case <-time.After(retry.NextBackOff()):
		}
	}
}

// report tells why there is no link, once for each reason.
func (r *Registry) report(err error) {
	r.mu.Lock()
	known := r.failure != nil && r.failure.Error() == err.Error()
	r.mu.Unlock()
	r.setLink(nil, err)
	if !known {
		r.config.Logger.Warn("zookeeper: no connection; trying again until there is one",
			slog.Any("servers", r.config.Servers), slog.Any("error", err))
	}
}

// serve makes a link and uses it to its end. It reports whether there was one.
func (r *Registry) serve() (bool, error) {
	l, err := r.dial()
	if err != nil {
		return false, err
	}
	defer l.close()
	if err := r.establish(l); err != nil {
		return false, err
	}
	r.setLink(l, nil)
	defer r.setLink(nil, errors.New("the connection was lost"))
	r.watchFollowed(l)
	r.tend(l)
	return true, errors.New("the connection or the session was lost")
}

// establish waits for a session and shows who this is.
func (r *Registry) establish(l *link) error {
	timeout := time.NewTimer(r.config.Timeout)
	defer timeout.Stop()
	for {
		select {
		case <-l.session:
			if r.config.Username == "" {
				return nil
			}
			err := l.conn.AddAuth("digest", []byte(r.config.Username+":"+r.config.Password))
			if err != nil {
				return fmt.Errorf("show the credentials: %w", err)
			}
			return nil
		case err := <-l.tried:
			r.report(err)
		case <-timeout.C:
			return errors.New("no server has given a session in time")
		case <-r.ctx.Done():
			return registry.ErrClosed
		}
	}
}

// tend sets watches again that have fired, until the link ends.
func (r *Registry) tend(l *link) {
	var again <-chan time.Time
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-l.ended:
			return
		case <-again:
		case <-l.wake:
		}
		again = nil
		failed := r.watchAll(l, l.takeFired(), func(key contract.Key) {
			r.tell(func(f *feed.Feed) { f.Changed(key) })
		})
		if failed > 0 {
			again = time.After(watchAgain)
		}
	}
}

// watchFollowed sets the watches of all that is followed on a new link, and says
// that news may have been lost before.
func (r *Registry) watchFollowed(l *link) {
	var keys []contract.Key
	r.tell(func(f *feed.Feed) { keys = append(keys, f.Keys()...) })
	slices.SortFunc(keys, contract.Key.Compare)
	if len(keys) == 0 {
		return
	}
	r.watchAll(l, slices.Compact(keys), func(contract.Key) {})
	r.tell((*feed.Feed).Lost)
}

// watchAll sets the watches of those of the keys that are followed, and calls
// set after each. It returns how many could not be set; these are to be tried
// again.
func (r *Registry) watchAll(l *link, keys []contract.Key, set func(contract.Key)) int {
	var group sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	slots := make(chan struct{}, watchesAtOnce)
	for _, key := range keys {
		if l.hasEnded() {
			break
		}
		if !r.follows(key) {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := l.watch(key); err != nil {
				l.fire(key)
				mu.Lock()
				failed++
				mu.Unlock()
				return
			}
			set(key)
		})
	}
	group.Wait()
	return failed
}

func (r *Registry) follows(key contract.Key) bool {
	followed := false
	r.tell(func(f *feed.Feed) { followed = followed || f.Follows(key) })
	return followed
}

// tell calls each feed.
func (r *Registry) tell(each func(*feed.Feed)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for f := range r.feeds {
		each(f) // none of its methods waits
	}
}

// follow sets a key's watch on the link that there is. If that fails, it is done
// later, and said.
func (r *Registry) follow(ctx context.Context, key contract.Key) error {
	_, err := call(ctx, r, "follow "+key.String(), func(_ context.Context, l *link) (struct{}, error) {
		return struct{}{}, l.watch(key)
	})
	if err == nil {
		return nil
	}
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l != nil {
		l.fire(key) // else the next link watches all that is followed
	}
	return err
}
