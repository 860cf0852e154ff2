package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// sibling is a contract with two fields that differs from others of its kind in
// nothing that anybody notices: they are one another's compatible successors.
func sibling(name string) *mqrpcv1.Api {
	return with(2, func(message *descriptorpb.DescriptorProto) {
		message.ReservedName = append(message.GetReservedName(), name)
	})
}

// diverging is a contract whose second field is of another type: neither it nor
// that of two strings succeeds the other.
func diverging() *mqrpcv1.Api {
	return with(2, func(message *descriptorpb.DescriptorProto) {
		message.GetField()[0].Type = descriptorpb.FieldDescriptorProto_TYPE_BOOL.Enum()
	})
}

// logged is a log that tests read.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// lines are those that hold all of some parts.
func (l *logged) lines(parts ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := 0
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			found++
		}
	}
	return found
}

func (s *stand) detail() catalog.APIDetail {
	s.Helper()
	return body[catalog.APIDetail](s, "/apis/greeter/1.0")
}

// TestDeployOfASuccessor: it is in effect within a second of its start, with and
// without a registry, and fields that only it knows travel.
func TestDeployOfASuccessor(t *testing.T) {
	for name, withRegistry := range map[string]bool{"with a registry": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := memory.NewBroker(memory.Config{})
				var config catalog.Config
				if withRegistry {
					r := newRegistry(t)
					save(t, r, registrytest.API(greeter, 1, 1))
					config.Store, config.Notifier = r, r
				}
				s := newStand(t, broker, config)
				old := startGreeter(t, broker, "old", 1)
				old.announce(false)
				s.expect(`{"field1":"x"}`, "old")
				s.refuse(`{"field2":"x"}`, errRequest)
				pass(10 * time.Second)
				old.announce(false)
				latest := startGreeter(t, broker, "new", 2)
				latest.announce(false)
				s.soon(latest.contract.GetRevision())
				if _, err := s.call(greeter, "Greeter.Greet", `{"field1":"x","field2":"y"}`); err != nil {
					t.Error(err)
				}
				got := s.detail()
				if got.Source != catalog.FromWorker || got.Disagreement != catalog.Agreed || (got.Registry != "") != withRegistry {
					t.Errorf("got %+v", got)
				}
				if got := s.catalog.Stats(); got.Drifting != 1 || got.Disagreeing != 0 || got.Refused != 0 {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}

// TestColdAPIOfASuccessor: the first call of an API already goes by what its
// instances serve, not by what the registry has.
func TestColdAPIOfASuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		save(t, r, registrytest.API(greeter, 1, 1))
		s := newStand(t, broker, catalog.Config{Store: r})
		startGreeter(t, broker, "new", 2).announce(false)
		s.expect(`{"field1":"x","field2":"y"}`, "new")
	})
}

// TestRestartOfAnOldInstance changes nothing, whichever is asked and heard first.
func TestRestartOfAnOldInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{})
		latest := startGreeter(t, broker, "new", 2)
		latest.announce(false)
		s.expect(`{"field2":"y"}`, "")
		for i := range 10 {
			old := startGreeter(t, broker, fmt.Sprint("old-", i), 1)
			old.announce(false)
			pass(time.Second)
			s.refuse(`{"field3":"z"}`, errRequest)
			if _, err := s.call(greeter, "Greeter.Greet", `{"field2":"y"}`); err != nil || s.inEffect() != latest.contract.GetRevision() {
				t.Errorf("restart %d: %s is in effect, %v", i, s.inEffect(), err)
			}
			old.leave()
			latest.announce(false)
		}
		if got := s.catalog.Stats(); got.Replaced != 0 || got.Refused != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestClocksAnHourApart have no effect: not on which revision is in effect, nor
// on who counts as running.
func TestClocksAnHourApart(t *testing.T) {
	for name, behind := range map[string]time.Duration{"the new one's is behind": time.Hour, "the old one's is behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := memory.NewBroker(memory.Config{})
				s := newStand(t, broker, catalog.Config{})
				old, latest := startGreeter(t, broker, "old", 1), startGreeter(t, broker, "new", 2)
				latest.started = latest.started.Add(-behind)
				for range 5 {
					old.announce(false)
					latest.announce(false)
					if _, err := s.call(greeter, "Greeter.Greet", `{"field2":"y"}`); err != nil {
						t.Error(err)
					}
					pass(5 * time.Second)
				}
				if got := s.detail(); got.Revision != latest.contract.GetRevision() || got.Instances != 2 {
					t.Errorf("got %+v", got)
				}
				if got := s.catalog.Stats().Replaced; got != 0 {
					t.Errorf("%d states took another's place", got)
				}
			})
		})
	}
}

// TestRollbackIsPinned: what the registry pins is in effect, though instances
// serve its successor, until it is pushed anew.
func TestRollbackIsPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		first, second := registrytest.API(greeter, 1, 1), registrytest.API(greeter, 2, 2)
		save(t, r, first, second)
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r})
		worker := startGreeter(t, broker, "a", 2)
		worker.announce(false)
		s.expect(`{"field2":"y"}`, "")

		back := registrytest.API(greeter, 3, 1)
		back.Pinned = true
		push(t, r, back)
		s.refuse(`{"field2":"y"}`, errRequest)
		for range 3 {
			worker.announce(false)
			pass(5 * time.Second)
			s.refuse(`{"field2":"y"}`, errRequest)
		}
		if got := s.detail(); got.Revision != first.GetRevision() || !got.Pinned || len(got.Revisions) != 1 || got.Revisions[0].Refused != "" {
			t.Errorf("got %+v", got)
		}
		if len(s.workers.admissions) > 0 {
			t.Errorf("told: %v", s.workers.admissions)
		}

		push(t, r, registrytest.API(greeter, 4, 1)) // no longer pinned
		s.expect(`{"field2":"y"}`, "")
	})
}

// TestDisagreement: revisions that are each other's successors, or that diverge,
// have one winner, the same at every gateway, however it came to know of them;
// and the disagreement is told.
func TestDisagreement(t *testing.T) {
	plain := registrytest.API(greeter, 1, 2)
	smallest := func(apis ...*mqrpcv1.Api) string {
		return slices.MinFunc(apis, func(a, b *mqrpcv1.Api) int { return strings.Compare(a.GetRevision(), b.GetRevision()) }).GetRevision()
	}
	one, other := sibling("one"), sibling("other")
	older := registrytest.API(greeter, 1, 1)
	for _, test := range []struct {
		name     string
		registry *mqrpcv1.Api // nil: there is none
		running  []*mqrpcv1.Api
		want     string
		why      catalog.Disagreement
	}{
		{"each other's", nil, []*mqrpcv1.Api{plain, one, other}, smallest(plain, one, other), catalog.Interchangeable},
		{"each other's, one is the registry's", one, []*mqrpcv1.Api{plain, other}, one.GetRevision(), catalog.Interchangeable},
		{"each other's, and the registry's is older", older, []*mqrpcv1.Api{one, other}, smallest(one, other), catalog.Interchangeable},
		{"diverging", nil, []*mqrpcv1.Api{plain, diverging()}, smallest(plain, diverging()), catalog.Diverged},
		{"diverging from the registry's", diverging(), []*mqrpcv1.Api{plain}, diverging().GetRevision(), catalog.Diverged},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := memory.NewBroker(memory.Config{})
				var workers []*greeterWorker
				for i, api := range test.running {
					workers = append(workers, startWorker(t, broker, fmt.Sprint(i), api))
				}
				var config catalog.Config
				if test.registry != nil {
					r := newRegistry(t)
					save(t, r, test.registry)
					config.Store = r
				}
				for range 6 {
					told := &logged{}
					config.Logger = told.logger()
					s := newStand(t, broker, config)
					if test.registry == nil || len(workers)%2 == 0 {
						_, _ = s.call(greeter, "Greeter.Greet", `{}`) // before it hears of any
					}
					for _, w := range workers {
						w.announce(false)
					}
					_, _ = s.call(greeter, "Greeter.Greet", `{}`)
					s.soon(test.want)
					if got := s.detail(); got.Disagreement != test.why {
						t.Errorf("got %+v", got)
					}
					if got := s.catalog.Stats().Disagreeing; got != 1 {
						t.Errorf("%d APIs disagree", got)
					}
					if got := told.lines("do not agree", string(test.why), test.want); got != 1 {
						t.Errorf("it is told in %d lines:\n%s", got, told.text.String())
					}
					s.close()
					workers = append(workers[1:], workers[0]) // the next one hears of them in another order
				}
			})
		})
	}
}

// TestWorkerThatBreaksTheContract is refused: it is told, and so are operators.
// When the registry takes its contract, it is told that, too.
func TestWorkerThatBreaksTheContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		save(t, r, registrytest.API(greeter, 1, 2))
		told := &logged{}
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r, Logger: told.logger()})
		good := startGreeter(t, broker, "good", 2)
		good.announce(false)
		s.expect(`{"field1":"x"}`, "")
		broken := startWorker(t, broker, "broken", diverging())
		broken.announce(false)
		pass(100 * time.Millisecond)

		s.expectAdmission(1, &mqrpcv1.Admission{
			Revision: broken.contract.GetRevision(), Refused: true, InEffect: good.contract.GetRevision(),
			Reason: "greeter.proto: greeter.v1.Greeting.field1: FIELD_TYPE_CHANGED: the type was string, is bool",
		})
		got := s.detail()
		if got.Revision != good.contract.GetRevision() || got.Disagreement != catalog.Diverged {
			t.Errorf("got %+v", got)
		}
		for _, revision := range got.Revisions {
			if strings.Contains(revision.Refused, "FIELD_TYPE_CHANGED") != (revision.Revision == broken.contract.GetRevision()) {
				t.Errorf("got %+v", got.Revisions)
			}
		}
		if stats := s.catalog.Stats(); stats.Refused != 1 {
			t.Errorf("got %+v", stats)
		}
		if lines := told.lines("refused", broken.contract.GetRevision(), "FIELD_TYPE_CHANGED"); lines != 1 {
			t.Errorf("it is told in %d lines:\n%s", lines, told.text.String())
		}

		pass(5 * time.Second)
		broken.announce(false) // it has heard
		pass(100 * time.Millisecond)
		if got := len(s.workers.admissions); got != 1 || !broken.refused.Load() {
			t.Errorf("told %d times, want once", got)
		}
		broken.refused.Store(false)
		broken.announce(false) // it does not seem to have
		pass(100 * time.Millisecond)
		if got := len(s.workers.admissions); got != 2 || !broken.refused.Load() {
			t.Errorf("told %d times, want twice", got)
		}
		broken.announce(false)
		s.refuse(`{"field1":true}`, errRequest)
		forced := diverging()
		forced.Sequence = 2
		good.leave()
		push(t, r, forced)
		s.expect(`{"field1":true}`, "broken")
		s.expectAdmission(3, &mqrpcv1.Admission{Revision: forced.GetRevision(), InEffect: forced.GetRevision()})
		if stats := s.catalog.Stats(); stats.Refused != 0 || stats.Disagreeing != 0 {
			t.Errorf("got %+v", stats)
		}
	})
}

// TestRefusedWorkerStops: a worker whose contract breaks the one in effect takes
// no more calls and says why, until the two go together.
func TestRefusedWorkerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		wxapp := contract.Key{Module: "wxapp", Version: "1.0"}
		save(t, r, registrytest.API(wxapp, 1, 1)) // another service altogether
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r})
		if _, err := s.catalog.API(t.Context(), wxapp.Module, wxapp.Version); err != nil {
			t.Fatal(err)
		}
		told := &logged{}
		startWxapp(t, broker, told.logger())
		pass(time.Second)
		if got := told.lines("level=ERROR", "gateways refuse", "SERVICE_REMOVED"); got != 1 {
			t.Errorf("the worker says so in %d lines:\n%s", got, told.text.String())
		}
		if got := body[catalog.APIDetail](s, "/apis/wxapp/1.0"); len(got.Workers) != 1 || !got.Workers[0].Refused {
			t.Errorf("got %+v", got.Workers)
		}
		call := func() error {
			method := wxappv1.WxappManager_Service.Methods[0]
			_, err := s.client.Invoke(t.Context(), &runtime.Call{Method: method, Timeout: time.Second})
			return err
		}
		if err := call(); runtime.CodeOf(err) != codes.DeadlineExceeded {
			t.Errorf("the refused worker answers: %v", err)
		}

		forced := &mqrpcv1.Api{
			Module: "wxapp", Version: "1.0", Sequence: 2, Files: contract.Collect(wxappv1.File_wxapp_v1_wxapp_proto),
		}
		forced.Revision = contract.Revision(forced.GetFiles())
		push(t, r, forced)
		pass(time.Second)
		if err := call(); err != nil {
			t.Errorf("the admitted worker: %v", err)
		}
		if got := body[catalog.APIDetail](s, "/apis/wxapp/1.0"); len(got.Workers) != 1 || got.Workers[0].Refused {
			t.Errorf("got %+v", got.Workers)
		}
	})
}

// TestRefusedUntilTheOthersGo: without a registry, too, the instances that are
// left are admitted.
func TestRefusedUntilTheOthersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{})
		workers := []*greeterWorker{startGreeter(t, broker, "a", 2), startWorker(t, broker, "b", diverging())}
		slices.SortFunc(workers, func(x, y *greeterWorker) int {
			return strings.Compare(x.contract.GetRevision(), y.contract.GetRevision())
		})
		for _, w := range workers {
			w.announce(false)
		}
		_, _ = s.call(greeter, "Greeter.Greet", `{}`)
		pass(time.Second)
		if workers[0].refused.Load() || !workers[1].refused.Load() {
			t.Error("the one with the greater hash is not the refused one")
		}
		workers[1].announce(false)
		workers[0].leave()
		pass(time.Second)
		if workers[1].refused.Load() || s.inEffect() != workers[1].contract.GetRevision() {
			t.Errorf("%s is in effect, and its only instance is refused", s.inEffect())
		}
	})
}

func (s *stand) expectAdmission(number int, want *mqrpcv1.Admission) {
	s.Helper()
	s.workers.mu.Lock()
	defer s.workers.mu.Unlock()
	if got := s.workers.admissions; len(got) != number || !proto.Equal(got[number-1], want) {
		s.Errorf("told %v, want %v", got, want)
	}
}

// TestDifferentSetsOfServices: an instance that does not serve all services of
// its contract is told of, by its name, and so is the next one.
func TestDifferentSetsOfServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		api := registrytest.API(greeter, 1, 1)
		file := api.GetFiles().GetFile()[len(api.GetFiles().GetFile())-1]
		admin := proto.CloneOf(file.GetService()[0])
		admin.Name = proto.String("Admin")
		file.Service = append(file.GetService(), admin)
		api.Revision = contract.Revision(api.GetFiles())

		told := &logged{}
		s := newStand(t, broker, catalog.Config{Logger: told.logger()})
		startWorker(t, broker, "a", api)
		transport := broker.Connect()
		t.Cleanup(func() { _ = transport.Close(context.Background()) })
		claim := func(name string, services ...string) {
			send(t, transport, &mqrpcv1.Claim{
				Module: greeter.Module, Version: greeter.Version, Instance: name,
				Revision: api.GetRevision(), Services: services, ValidFor: durationpb.New(time.Minute),
			})
		}
		claim("whole", "greeter.v1.Greeter", "greeter.v1.Admin")
		claim("partial", "greeter.v1.Greeter")
		s.expect(`{}`, "")
		claim("other", "greeter.v1.Admin")
		for name, missing := range map[string]string{"partial": "greeter.v1.Admin", "other": "greeter.v1.Greeter"} {
			if got := told.lines("does not serve all services", "instance="+name, "missing="+missing); got != 1 {
				t.Errorf("%s is told of in %d lines:\n%s", name, got, told.text.String())
			}
		}
		if got := s.catalog.Stats().Partial; got != 2 {
			t.Errorf("%d instances are partial, want 2", got)
		}
		for _, worker := range s.detail().Workers {
			if (len(worker.Missing) == 0) != (worker.Instance == "whole") {
				t.Errorf("got %+v", worker)
			}
		}
		claim("partial", "greeter.v1.Greeter", "greeter.v1.Admin")
		if got := s.catalog.Stats().Partial; got != 1 {
			t.Errorf("%d instances are partial, want 1", got)
		}
	})
}

// TestNobodyIsRefusedWhileTheRegistryIsSilent: its contract may be another one
// than the snapshot's, and the broken one may be in the snapshot.
func TestNobodyIsRefusedWhileTheRegistryIsSilent(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		save(t, r, diverging())
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r, Snapshot: openSnapshot(t, dir)})
		_, _ = s.catalog.API(t.Context(), greeter.Module, greeter.Version)
		s.close()

		forced := registrytest.API(greeter, 2, 2)
		save(t, r, forced)
		r.Fail(errors.New("unplugged"))
		s = newStand(t, broker, catalog.Config{Store: r, Notifier: r, Snapshot: openSnapshot(t, dir)})
		worker := startGreeter(t, broker, "a", 2)
		worker.announce(false)
		_, _ = s.call(greeter, "Greeter.Greet", `{}`)
		for range 3 {
			pass(5 * time.Second)
			worker.announce(false)
		}
		if got := s.detail(); got.Source != catalog.FromSnapshot || got.Disagreement != catalog.Diverged || len(s.workers.admissions) > 0 {
			t.Errorf("got %+v, told %v", got, s.workers.admissions)
		}
		r.Fail(nil)
		pass(2 * time.Minute)
		worker.announce(false)
		s.expect(`{"field2":"y"}`, "")
		if got := s.detail(); got.Revision != forced.GetRevision() || len(s.workers.admissions) > 0 {
			t.Errorf("got %+v, told %v", got, s.workers.admissions)
		}
	})
}

// TestRegistryDownMeanwhile: while the registry does not answer, what it said
// before stays, whatever is announced; and a successor that is deployed takes
// effect all the same.
func TestRegistryDownMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		first := registrytest.API(greeter, 1, 2)
		save(t, r, first)
		news := &vague{}
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: news})
		old := startGreeter(t, broker, "old", 2)
		old.announce(false)
		s.expect(`{"field2":"y"}`, "")

		r.Fail(errors.New("unplugged"))
		for _, announced := range []*mqrpcv1.Api{registrytest.Tombstone(first), registrytest.API(greeter, 3, 3), diverging()} {
			news.notify(registryEvent(announced))
			pass(5 * time.Second)
			old.announce(false)
			s.expect(`{"field2":"y"}`, "")
			if got := s.detail(); got.Revision != first.GetRevision() || got.Sequence != 1 {
				t.Errorf("got %+v", got)
			}
		}
		latest := startGreeter(t, broker, "new", 3)
		latest.announce(false)
		s.soon(latest.contract.GetRevision())
		r.Fail(nil)
		pass(2 * time.Minute)
		if got := s.detail(); got.Sequence != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestClaimsDoNotTakeNames: an API that declares the same services as another
// one is served under its own name only.
func TestClaimsDoNotTakeNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{})
		startGreeter(t, broker, "good", 1).announce(false)
		s.expect(`{}`, "good")
		// It claims greeter 1.0, and describes evil 1.0.
		evil := registrytest.API(contract.Key{Module: "evil", Version: "1.0"}, 1, 3)
		thief := &greeterWorker{t: t, name: "thief", contract: evil, transport: broker.Connect(), started: time.Now()}
		t.Cleanup(func() { _ = thief.transport.Close(context.Background()) })
		thief.announce(false)
		pass(time.Minute)
		s.expect(`{}`, "good")
		if got := s.detail(); got.Source != catalog.FromWorker || got.Revision == evil.GetRevision() {
			t.Errorf("got %+v", got)
		}
	})
}

// TestManyRevisions: what one API's instances claim costs a bounded number of
// questions, and no other API anything.
func TestManyRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		other := contract.Key{Module: "other", Version: "1"}
		save(t, r, registrytest.API(greeter, 1, 1), registrytest.API(other, 1, 1))
		s := newStand(t, broker, catalog.Config{Store: r, Limits: catalog.Limits{Lookups: 1}})
		for i := range 1000 {
			w := &greeterWorker{t: t, name: fmt.Sprint("w", i), contract: &mqrpcv1.Api{Revision: fmt.Sprintf("%032x", i)}, transport: broker.Connect()}
			w.announce(false)
			_ = w.transport.Close(context.Background())
		}
		// All of them share the queue of one that does not answer.
		silent := startGreeter(t, broker, "silent", 1)
		silent.silent.Store(true)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = s.catalog.API(t.Context(), greeter.Module, greeter.Version)
		}()
		synctest.Wait()
		began := time.Now()
		if _, err := s.catalog.API(t.Context(), other.Module, other.Version); err != nil || time.Since(began) > 0 {
			t.Errorf("another API took %v, %v", time.Since(began), err)
		}
		<-done
		if took := time.Since(began); took > catalog.DefaultStepTimeout {
			t.Errorf("the API took %v", took)
		}
		if got := s.detail(); got.Source != catalog.FromRegistry || len(got.Revisions) != 1000 || got.Revisions[999].Unread == "" {
			t.Errorf("got %d revisions, the last %+v", len(got.Revisions), got.Revisions[len(got.Revisions)-1])
		}
		if got := s.catalog.Stats().Describes; got > 8 {
			t.Errorf("%d questions", got)
		}
	})
}
