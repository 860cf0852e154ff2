package transporttest

import (
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// Harness connects the suite to a transport. Connect is required.
type Harness struct {
	// Connect returns a new connection, always to the same broker. The suite
	// closes it.
	Connect func(t testing.TB) transport.Transport

	// Sever breaks the connection of a transport, noticed by both sides, and
	// keeps it from reconnecting until restore is called. The suite always
	// calls restore, once.
	Sever func(t testing.TB, conn transport.Transport) (restore func())

	// StopBroker stops the broker and returns when it is down; StartBroker
	// starts it again and returns when it accepts connections.
	StopBroker, StartBroker func(t testing.TB)
	// Block makes the broker take no messages, or take them again, as RabbitMQ
	// does when it is short of memory.
	Block func(t testing.TB, blocked bool)

	// Lacks says, for what the transport or its broker cannot do, why.
	Lacks map[Feature]string

	// Grace is the transport's grace for messages without Retry. Default: 1 s.
	Grace time.Duration
	// Patience is how long the suite waits for what must happen before it
	// fails. Default: 15 s.
	Patience time.Duration
	// Recovery is the time within which a transport must be connected again and
	// consume after the broker has returned. Default: 2 s.
	Recovery time.Duration
}

// Feature is something that a transport may lack.
type Feature string

// The features.
const (
	// Severing is the fault [Harness.Sever].
	Severing Feature = "severing"
	// Restarting is the faults [Harness.StopBroker] and [Harness.StartBroker].
	Restarting Feature = "restarting"
	// Blocking is the fault [Harness.Block].
	Blocking Feature = "blocking"
	// QuorumQueues is transport.Queue.Quorum.
	QuorumQueues Feature = "quorum queues"
	// Wildcards is that the key of a binding may hold "*" and "#".
	Wildcards Feature = "wildcards"
)

// prompt bounds what must happen at once.
const prompt = 2 * time.Second

// Run checks the contract, but for faults of the whole broker. Its subtests run
// in parallel; it returns when all have ended.
func Run(t *testing.T, harness Harness) {
	t.Helper()
	for _, subject := range [][]check{
		delivering, routing, sharing, settling, expiring, declaring, stopping, publishing, states,
		cutting, outages,
	} {
		run(t, &harness, subject, (*testing.T).Parallel)
	}
}

// RunFaults checks the contract while the broker itself stops, starts and
// blocks, one subtest after the other. Nothing else may use the broker.
func RunFaults(t *testing.T, harness Harness) {
	t.Helper()
	run(t, &harness, faults, func(*testing.T) {})
}

// check is one subtest.
type check struct {
	name  string
	needs []Feature
	run   func(f *fixture)
}

func run(t *testing.T, harness *Harness, checks []check, begin func(*testing.T)) {
	t.Helper()
	h := harness.withDefaults()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, feature := range c.needs {
				h.require(t, feature)
			}
			begin(t)
			c.run(newFixture(t, h))
		})
	}
}

func (h Harness) withDefaults() *Harness {
	setDefault(&h.Grace, time.Second)
	setDefault(&h.Patience, 15*time.Second)
	setDefault(&h.Recovery, 2*time.Second)
	return &h
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// require skips the test if the transport lacks a feature, for a given reason,
// and fails it if the harness says nothing about it.
func (h *Harness) require(t *testing.T, feature Feature) {
	t.Helper()
	if reason, lacks := h.Lacks[feature]; lacks {
		t.Skipf("no %s: %s", feature, reason)
	}
	given := map[Feature]bool{
		Severing:   h.Sever != nil,
		Restarting: h.StopBroker != nil && h.StartBroker != nil,
		Blocking:   h.Block != nil,
	}
	if present, isFault := given[feature]; isFault && !present {
		t.Fatalf("the harness neither has the fault %q nor lists it in Lacks", feature)
	}
}
