package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/internal/cli/backend"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// rounds is how often each effect is measured; the median counts.
const rounds = 11

// hotPlug measures from a new worker's readiness to the first correct answer of
// a gateway that has just denied that the API exists.
func (b *bench) hotPlug(ctx context.Context, r *results) error {
	g, err := b.startGateway(ctx, "--registry", "none")
	if err != nil {
		return err
	}
	defer g.stop()
	call := func() int {
		return g.call(ctx, "wxapp", "1.0", "WxappManager.SessionKey", `{"Code":"d3JmZGZkc2Y="}`)
	}
	if status := call(); status != http.StatusNotFound {
		return fmt.Errorf("hot plug: without a worker the gateway answers %d, not 404", status)
	}
	stop, err := startWorker(ctx)
	if err != nil {
		return err
	}
	defer stop()
	ready := time.Now()
	if err := await(ctx, 10*time.Second, func() bool { return call() == http.StatusOK }); err != nil {
		return fmt.Errorf("hot plug: no answer: %w", err)
	}
	r.HotPlugMS = milliseconds(time.Since(ready))
	note("hot plug: %.1f ms from the worker's readiness to the first answer", r.HotPlugMS)
	return nil
}

// startWorker starts a worker of wxapp 1.0 and returns when it is ready.
func startWorker(ctx context.Context) (stop func(), err error) {
	broker, err := address("MQRPC_TEST_AMQP_URL")
	if err != nil {
		return nil, err
	}
	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{broker}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: slog.New(slog.DiscardHandler)})
	wxappv1.RegisterWxappManagerServer(worker, &manager.V1{})
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			note("the worker: %v", err)
		}
		_ = transport.Close(context.Background()) // all is sent when Run has returned
	}
	select {
	case <-worker.Ready():
		return stop, nil
	case err := <-ended:
		ended <- err
		stop()
		return nil, fmt.Errorf("the worker has ended: %w", err)
	}
}

// changes measures, for each notifier, from the moment at which a change is
// ordered to the first answer of a gateway that follows it.
func (b *bench) changes(ctx context.Context, r *results) error {
	zookeeper, err := address("MQRPC_TEST_ZOOKEEPER")
	if err != nil {
		return err
	}
	etcd, err := address("MQRPC_TEST_ETCD")
	if err != nil {
		return err
	}
	unique := fmt.Sprintf("/bench-%d", time.Now().UnixNano())
	r.ChangeToEffectMS = map[string]float64{}
	for name, where := range map[string]string{
		"broadcast": "sqlite:" + b.dir + "/changes.db",
		"zookeeper": "zookeeper://" + zookeeper + unique,
		"etcd":      "etcd://" + strings.TrimPrefix(etcd, "http://") + unique,
	} {
		took, err := b.change(ctx, where, backend.Auto, rounds)
		if err != nil {
			return fmt.Errorf("changes by %s: %w", name, err)
		}
		r.ChangeToEffectMS[name] = took
		note("change to effect by %s: %.1f ms (median of %d)", name, took, rounds)
	}
	const pollRounds = 3
	r.PollToEffectMS, err = b.change(ctx, "sqlite:"+b.dir+"/poll.db", backend.Poll, pollRounds, "--poll-interval", pollInterval.String())
	if err != nil {
		return fmt.Errorf("changes by poll: %w", err)
	}
	note("change to effect by poll every %v: %.0f ms (median of %d)", pollInterval, r.PollToEffectMS, pollRounds)
	return nil
}

// pollInterval is short, so that the run is; the default is ten minutes.
const pollInterval = 2 * time.Second

// change is the median time of some changes in the registry there, of which the
// gateway learns in a way.
func (b *bench) change(ctx context.Context, where string, way backend.Notify, rounds int, flags ...string) (float64, error) {
	publisher, closeAll, err := openPublisher(ctx, where, way)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	key := contract.Key{Module: "bench", Version: "1.0"}
	if _, err := publisher.Push(ctx, registrytest.API(key, 1, 1), false); err != nil {
		return 0, err
	}
	g, err := b.startGateway(ctx, append(flags, "--registry", where, "--notify", string(way))...)
	if err != nil {
		return 0, err
	}
	defer g.stop()
	// Nobody serves the API: 503, or 200 while it has a default response.
	call := func() int { return g.call(ctx, key.Module, key.Version, "Greeter.Greet", "{}") }
	if status := call(); status != http.StatusServiceUnavailable {
		return 0, fmt.Errorf("the gateway answers %d, not 503", status)
	}
	took := make([]float64, 0, rounds)
	for i := range rounds {
		want, responses := http.StatusOK, map[string]string{"*": "{}"}
		if i%2 == 1 {
			want, responses = http.StatusServiceUnavailable, nil
		}
		began := time.Now()
		effective := make(chan error, 1)
		go func() { effective <- await(ctx, 20*time.Second, func() bool { return call() == want }) }()
		_, err := publisher.SetPolicy(ctx, key, func(policy *mqrpcv1.Policy) error {
			policy.DefaultResponses = responses
			return nil
		})
		if err := <-effective; err != nil {
			return 0, fmt.Errorf("change %d has no effect: %w", i+1, err)
		}
		took = append(took, milliseconds(time.Since(began)))
		if err != nil {
			return 0, err
		}
	}
	slices.Sort(took)
	return took[rounds/2], nil
}

// openPublisher opens a registry for writing.
func openPublisher(ctx context.Context, where string, way backend.Notify) (*registry.Publisher, func(), error) {
	logger := slog.New(slog.DiscardHandler)
	location, err := backend.Parse(where)
	if err != nil {
		return nil, nil, err
	}
	if way, err = way.For(location); err != nil {
		return nil, nil, err
	}
	opened, err := location.Open(ctx, backend.Options{Logger: logger})
	if err != nil {
		return nil, nil, err
	}
	broker, err := address("MQRPC_TEST_AMQP_URL")
	if err != nil {
		return nil, nil, err
	}
	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{broker}, Logger: logger})
	if err != nil {
		return nil, nil, err
	}
	closeAll := func() {
		_ = opened.Close() // nothing is lost: every change has been confirmed
		_ = transport.Close(context.Background())
	}
	notifier, err := opened.Notifier(way, transport, logger)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	publisher, err := registry.NewPublisher(registry.PublisherConfig{Store: opened.Store, Notifier: notifier, ChangedBy: "registrybench"})
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return publisher, closeAll, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
