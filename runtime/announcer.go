package runtime

import (
	"context"
	"os"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

// announcer tells whoever listens which APIs a worker serves: at once, after
// every reconnect, at an interval, and when the worker stops.
type announcer struct {
	worker   *Worker
	interval time.Duration
	host     string
	started  time.Time

	stop func() // ends the loop
	loop sync.WaitGroup
}

// missedAnnouncements is how many announcements may fail to come before an
// instance counts as gone.
const missedAnnouncements = 3

// firstAnnouncement bounds the wait for the broker to take it.
const firstAnnouncement = time.Second

// startAnnouncing starts the announcer of a worker that has just begun to
// consume. It returns when the broker has the first announcement, so that
// whoever took the API for unknown is about to know better.
func startAnnouncing(w *Worker) *announcer {
	host, _ := os.Hostname() // an empty name says that it is unknown
	ctx, cancel := context.WithCancel(context.Background())
	a := &announcer{worker: w, interval: w.config.AnnounceInterval, host: host, started: time.Now(), stop: cancel}
	if a.interval > 0 {
		select {
		case <-a.announce(false):
		case <-time.After(firstAnnouncement):
		}
		a.loop.Go(func() { a.run(ctx) })
	}
	return a
}

func (a *announcer) run(ctx context.Context) {
	connects := a.worker.transport.State().Connects
	reconnected := make(chan struct{}, 1)
	stopWatch := a.worker.transport.Watch(func(state State) {
		if state.Connected && state.Connects != connects {
			connects = state.Connects
			select {
			case reconnected <- struct{}{}:
			default:
			}
		}
	})
	defer stopWatch()
	tick := time.NewTicker(a.interval)
	defer tick.Stop()
	for {
		select {
		case <-reconnected:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		a.announce(false)
	}
}

// end sends the last announcement.
func (a *announcer) end() {
	a.stop()
	a.loop.Wait()
	if a.interval > 0 {
		a.announce(true)
	}
}

// announce sends one announcement for each API, and returns a channel that is
// closed when the broker has them all, or will not take them: nobody may listen,
// and the next ones come soon.
func (a *announcer) announce(stopping bool) (settled <-chan struct{}) {
	validFor := missedAnnouncements * a.interval
	var pending sync.WaitGroup
	for _, api := range a.worker.apis {
		body, err := proto.Marshal(a.announcement(api, validFor, stopping))
		if err != nil {
			continue // names are checked when they are registered
		}
		pending.Add(1)
		a.worker.transport.Publish(Publishing{
			Exchange:   wire.RegistryExchange,
			Type:       wire.TypeAnnouncement,
			Body:       body,
			Expiration: validFor,
			Deadline:   time.Now().Add(a.interval),
		}, func(error) { pending.Done() })
	}
	done := make(chan struct{})
	go func() {
		pending.Wait()
		close(done)
	}()
	return done
}

func (a *announcer) announcement(api *servedAPI, validFor time.Duration, stopping bool) *mqrpcv1.Announcement {
	running, waiting := api.pool.load()
	return &mqrpcv1.Announcement{
		Module:   api.description.module,
		Version:  api.description.version,
		Revision: api.description.revision(),
		Instance: a.worker.config.Instance,
		Host:     a.host,
		Pid:      int64(os.Getpid()),
		Language: "go",
		Started:  timestamppb.New(a.started),
		ValidFor: durationpb.New(validFor),
		Stopping: stopping,
		Running:  int64(running),
		Waiting:  int64(waiting),
		Answered: api.answered.Load(),
	}
}
