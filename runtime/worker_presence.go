package runtime

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// presence tells whoever listens which APIs a worker serves: it claims each when
// the worker begins, after every reconnect, on a change, when it is asked, and
// when the worker stops, and sends heartbeats in between.
type presence struct {
	worker   *Worker
	interval time.Duration // zero or less: it tells nothing by itself
	host     string
	started  time.Time
	stopping atomic.Bool // the worker takes no more calls

	stop func() // ends the loop
	loop sync.WaitGroup
}

// missedHeartbeats is how many heartbeats may fail to come before an instance
// counts as gone.
const missedHeartbeats = 3

// firstClaims bounds the wait for the broker to take them.
const firstClaims = time.Second

func newPresence(w *Worker) *presence {
	host, _ := os.Hostname() // an empty name says that it is unknown
	return &presence{worker: w, interval: w.config.HeartbeatInterval, host: host, started: time.Now()}
}

// start claims what the worker has just begun to consume. It returns when the
// broker has the claims, so that whoever took an API for unknown is about to know
// better.
func (p *presence) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	if p.interval <= 0 {
		return
	}
	select {
	case <-p.claimAll():
	case <-time.After(firstClaims):
	}
	p.loop.Go(func() { p.run(ctx) })
}

func (p *presence) run(ctx context.Context) {
	reconnected, stopWatch := transport.Connects(p.worker.transport, p.worker.transport.State().Connects)
	defer stopWatch()
	timer := time.NewTimer(p.untilNext())
	defer timer.Stop()
	for {
		select {
		case <-reconnected:
			p.claimAll()
		case <-timer.C:
			p.beat()
			timer.Reset(p.untilNext())
		case <-ctx.Done():
			return
		}
	}
}

// untilNext is the interval, give or take a fifth, so that the heartbeats of many
// instances do not come at the same moment.
func (p *presence) untilNext() time.Duration {
	return p.interval*4/5 + rand.N(p.interval*2/5+1) //nolint:gosec // it spreads load, it guards nothing
}

// end sends the last claims.
func (p *presence) end() {
	p.stop()
	p.loop.Wait()
	p.stopping.Store(true)
	if p.interval > 0 {
		p.claimAll()
	}
}

// changed claims an API anew whose state is another one now.
func (p *presence) changed(api *servedAPI) {
	if p.interval > 0 {
		p.announce(api, func() {})
	}
}

// claimAll claims each API, and returns a channel that is closed when the broker
// has all the claims, or will not take them: nobody may listen.
func (p *presence) claimAll() (settled <-chan struct{}) {
	var pending sync.WaitGroup
	for _, api := range p.worker.apis {
		pending.Add(1)
		p.announce(api, pending.Done)
	}
	done := make(chan struct{})
	go func() {
		pending.Wait()
		close(done)
	}()
	return done
}

// announce claims an API before all who listen.
func (p *presence) announce(api *servedAPI, settled func()) {
	p.publish(wire.AnnouncementsExchange, wire.APIKey(api.key.Module, api.key.Version), wire.TypeClaim, p.claim(api), settled)
}

// answer sends the claim of an API to a client that asked for it.
func (p *presence) answer(client string, api *servedAPI, method string) {
	claim := p.claim(api)
	claim.Method = method
	p.publish(wire.RepliesExchange, wire.ReplyKey(client, api.key.Module, api.key.Version), wire.TypeClaim, claim, func() {})
}

// beat sends one heartbeat for each module.
func (p *presence) beat() {
	modules := map[string]*mqrpcv1.Heartbeat{}
	for _, api := range p.worker.apis {
		beat := modules[api.key.Module]
		if beat == nil {
			beat = &mqrpcv1.Heartbeat{Module: api.key.Module, Instance: p.worker.instance, ValidFor: p.validFor()}
			modules[api.key.Module] = beat
		}
		claim := p.claim(api)
		beat.Versions = append(beat.GetVersions(), &mqrpcv1.HeartbeatVersion{
			Version: claim.GetVersion(), Revision: claim.GetRevision(), Refused: claim.GetRefused(),
			Running: claim.GetRunning(), Waiting: claim.GetWaiting(), Answered: claim.GetAnswered(),
		})
	}
	for module, beat := range modules {
		p.publish(wire.AnnouncementsExchange, wire.ModuleKey(module), wire.TypeHeartbeat, beat, func() {})
	}
}

// validFor is how long a claim holds. Those of a worker that tells nothing by
// itself are answers, and hold as long as others'.
func (p *presence) validFor() *durationpb.Duration {
	interval := p.interval
	if interval <= 0 {
		interval = defaultHeartbeatInterval
	}
	return durationpb.New(missedHeartbeats * interval)
}

func (p *presence) claim(api *servedAPI) *mqrpcv1.Claim {
	running, waiting := api.pool.load()
	return &mqrpcv1.Claim{
		Module:   api.key.Module,
		Version:  api.key.Version,
		Revision: api.description.revision(),
		Instance: p.worker.instance,
		Services: api.description.serviceNames(),
		Capacity: uint32(p.worker.config.Concurrency), //nolint:gosec // positive
		Host:     p.host,
		Pid:      int64(os.Getpid()),
		Language: "go",
		Started:  timestamppb.New(p.started),
		ValidFor: p.validFor(),
		Stopping: p.stopping.Load(),
		Refused:  api.consuming.isRefused(),
		Running:  uint64(running),             //nolint:gosec // counts are not negative
		Waiting:  uint64(waiting),             //nolint:gosec // likewise
		Answered: uint64(api.answered.Load()), //nolint:gosec // likewise
	}
}

// publish sends a hint: it is given up when the next one would come anyway.
func (p *presence) publish(exchange, routingKey, kind string, message proto.Message, settled func()) {
	body, err := proto.Marshal(message)
	if err != nil { // names are checked when they are registered
		p.worker.log.Error("a claim or heartbeat cannot be encoded", slog.Any("error", err))
		settled()
		return
	}
	p.worker.transport.Publish(transport.Publishing{
		Exchange:   exchange,
		RoutingKey: routingKey,
		Type:       kind,
		Body:       body,
		Deadline:   time.Now().Add(max(p.interval, firstClaims)),
	}, func(error) { settled() })
}
