package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/mqrpc/mqrpc/registry/internal/feed"
)

// probeTimeout is how long a Follow waits for etcd's answer.
const probeTimeout = time.Second

func newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstReconnect, lastReconnect
	return b
}

// follow is the loop behind all watches of a registry: it makes one watch of
// etcd's after the other until the registry is closed.
func (r *Registry) follow() {
	retry := newBackoff()
	for r.ctx.Err() == nil {
		began := time.Now()
		err := r.followOnce()
		if r.ctx.Err() != nil {
			return
		}
		r.config.Logger.Warn("etcd: watching for changes ended; watching again",
			slog.Any("endpoints", r.config.Endpoints), slog.Any("error", err))
		if time.Since(began) > lastReconnect {
			retry.Reset()
		}
		select {
		case <-r.ctx.Done():
		case <-time.After(retry.NextBackOff()):
		}
	}
}

// followOnce watches all heads from now on, until the watch ends for good:
// because of a compaction, or because etcd has no leader.
func (r *Registry) followOnce() error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(r.ctx))
	defer cancel()
	client, revision, err := r.revision(ctx)
	if err != nil {
		return err
	}
	changes := client.Watch(ctx, r.keys.heads(), clientv3.WithPrefix(),
		clientv3.WithRev(revision+1), clientv3.WithCreatedNotify())
	defer r.setStanding(false)
	for response := range changes {
		if err := response.Err(); err != nil {
			return err
		}
		if response.Created {
			// From here on every change is delivered, over whatever
			// interruption.
			r.setStanding(true)
		}
		for _, event := range response.Events {
			key, err := r.keys.ofHead(string(event.Kv.Key)) //nolint:protogetter // clientv3.Event has no getters
			if err != nil {
				r.config.Logger.Warn("etcd: a change is passed over", slog.Any("error", err))
				continue
			}
			r.tell(func(f *feed.Feed) { f.Changed(key) })
		}
	}
	return errors.New("the watch was closed")
}

// revision is what etcd is at now.
func (r *Registry) revision(ctx context.Context) (*clientv3.Client, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	client, err := r.connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	response, err := client.Get(ctx, r.keys.heads())
	if err != nil {
		return nil, 0, fmt.Errorf("ask for the revision: %w", err)
	}
	return client, response.Header.GetRevision(), nil
}

// setStanding notes that the watch stands, or not any more. When it stands again,
// news may have been lost.
func (r *Registry) setStanding(standing bool) {
	r.mu.Lock()
	again := standing && r.stood
	if standing {
		r.stood = true
		close(r.standing)
	} else if isClosed(r.standing) {
		r.standing = make(chan struct{})
	}
	r.mu.Unlock()
	if again {
		r.tell((*feed.Feed).Lost)
	}
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// probe reports whether etcd answers while the watch stands: then whatever
// happens from now on is delivered.
func (r *Registry) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return r.call(ctx, "watch for changes", func(ctx context.Context, client *clientv3.Client) error {
		r.mu.Lock()
		standing := r.standing
		r.mu.Unlock()
		select {
		case <-standing:
		case <-ctx.Done():
			return ctx.Err()
		}
		_, err := client.Get(ctx, r.keys.heads())
		return err
	})
}

// recover says, as soon as etcd answers, that news may have been lost, to those
// whose Follow has failed.
func (r *Registry) recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures++
	if r.recovering || r.closed {
		return
	}
	r.recovering = true
	r.loops.Go(func() {
		retry := newBackoff()
		for r.ctx.Err() == nil && !r.recovered() {
			select {
			case <-r.ctx.Done():
			case <-time.After(retry.NextBackOff()):
			}
		}
	})
}

// recovered tries once. A Follow that has failed meanwhile makes it false.
func (r *Registry) recovered() bool {
	r.mu.Lock()
	failures := r.failures
	r.mu.Unlock()
	if r.probe(r.ctx) != nil {
		return false
	}
	r.mu.Lock()
	done := failures == r.failures
	r.recovering = !done
	r.mu.Unlock()
	if done {
		r.tell((*feed.Feed).Lost)
	}
	return done
}

// tell calls each feed.
func (r *Registry) tell(each func(*feed.Feed)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for f := range r.feeds {
		each(f) // it queues only
	}
}
