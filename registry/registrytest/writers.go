package registrytest

import (
	"fmt"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

func writerTests() []test {
	return []test{
		{name: "TwiceAndLate", needs: []Feature{Announce}, run: testTwiceAndLate},
		{name: "AnnouncedNeverSaved", needs: []Feature{Announce}, run: testNeverSaved},
		{name: "SavedNeverAnnounced", needs: []Feature{Announce}, run: testNeverAnnounced},
		{name: "AnnouncedBeforeFollowing", needs: []Feature{Announce}, run: testAnnouncedBefore},
		{name: "TwoWritersMeet", needs: []Feature{Announce}, run: testTwoWriters},
		{name: "ManyWriters", run: testManyWriters},
	}
}

func (f *fixture) announce(notifier registry.Notifier, sequence int64, fields int) {
	f.t.Helper()
	api := API(key, sequence, fields)
	f.eventually(fmt.Sprintf("announce sequence %d", sequence), func() error { return notifier.Announce(f.ctx(), api) })
}

// testTwiceAndLate announces in the wrong order, and again and again.
func testTwiceAndLate(f *fixture) {
	store, writer := f.store(), f.notifier()
	f.save(store, API(key, 1, 1))
	f.save(store, API(key, 2, 2))
	g := f.gateway()
	g.load(key)
	for _, sequence := range []int64{1, 2, 3, 1, 3, 2, 4, 3, 4, 1} {
		f.announce(writer, sequence, int(sequence))
	}
	f.save(store, API(key, 3, 3))
	f.save(store, API(key, 4, 4))
	f.eventually("see the last change", func() error { return g.is(API(key, 4, 4)) })
	f.announce(writer, 2, 2)
	last := API(key, 5, 5)
	f.change(store, writer, last)
	f.eventually("see the change after late ones", func() error { return g.is(last) })
	var sequences []int64
	for _, state := range g.states(key) {
		if len(sequences) > 0 && state.Sequence <= sequences[len(sequences)-1] {
			f.t.Errorf("the sequence %d came into effect after %v", state.Sequence, sequences)
		}
		sequences = append(sequences, state.Sequence)
	}
}

// testNeverSaved announces what it never saves: that is a cue, and nothing comes
// into effect that the store does not hold.
func testNeverSaved(f *fixture) {
	store, writer := f.store(), f.notifier()
	saved := API(key, 1, 1)
	f.save(store, saved)
	g := f.gateway()
	g.load(key)
	other := contract.Key{Module: "other", Version: "1"}
	f.change(store, writer, API(other, 1, 1))
	g.load(other)
	f.announce(writer, 2, 2)
	f.change(store, writer, API(other, 2, 2))
	f.eventually("see a change that was announced later", func() error { return g.is(API(other, 2, 2)) })
	if states := g.states(key); len(states) != 1 || g.is(saved) != nil {
		f.t.Errorf("%v came into effect", states)
	}
	// The writer runs its command again.
	f.change(store, writer, API(key, 2, 2))
	f.eventually("see the change made again", func() error { return g.is(API(key, 2, 2)) })
}

func testNeverAnnounced(f *fixture) {
	store, writer := f.store(), f.notifier()
	f.save(store, API(key, 1, 1))
	g := f.gateway()
	g.load(key)
	f.save(store, API(key, 2, 2))
	f.announce(writer, 2, 2) // run again
	f.eventually("see the change", func() error { return g.is(API(key, 2, 2)) })
}

// testAnnouncedBefore has a gateway follow after a change was announced, and
// read before it was saved.
func testAnnouncedBefore(f *fixture) {
	store, writer := f.store(), f.notifier()
	f.save(store, API(key, 1, 1))
	g := f.gateway()
	f.announce(writer, 2, 2)
	g.load(key)
	f.save(store, API(key, 2, 2))
	f.eventually("see the change", func() error { return g.is(API(key, 2, 2)) })
}

// testTwoWriters has two writers announce the same sequence with different
// contents, of which one is saved.
func testTwoWriters(f *fixture) {
	store, writer := f.store(), f.notifier()
	f.save(store, API(key, 1, 1))
	gateways := []*gateway{f.gateway(), f.gateway()}
	for _, g := range gateways {
		g.load(key)
	}
	for sequence := int64(2); sequence < 6; sequence++ {
		winner, loser := API(key, sequence, 2), API(key, sequence, 3)
		if sequence%2 == 0 {
			f.announce(writer, sequence, 3)
			f.announce(writer, sequence, 2)
		} else {
			f.announce(writer, sequence, 2)
			f.announce(writer, sequence, 3)
		}
		f.save(store, winner)
		f.wantError("the other writer saves", store.Save(f.ctx(), loser), registry.ErrConflict)
		for _, g := range gateways {
			f.eventually("see what the store holds", func() error { return g.is(winner) })
		}
	}
}

func testManyWriters(f *fixture) {
	store := f.store()
	f.save(store, API(key, 1, 1))
	gateways := []*gateway{f.gateway(), f.gateway()}
	for _, g := range gateways {
		g.load(key)
	}
	var group sync.WaitGroup
	for w := range 4 {
		own, notifier := f.store(), f.notifier()
		if notifier != nil {
			f.announce(notifier, 1, 1) // the same again: from here on it is connected
		}
		group.Go(func() {
			for try := range 10 {
				current, err := own.Load(f.ctx(), key)
				if err != nil {
					f.t.Errorf("load: %v", err)
					return
				}
				next := Next(current, time.Duration(w*100+try+1)*time.Second)
				if notifier != nil {
					_ = notifier.Announce(f.ctx(), next)
				}
				_ = own.Save(f.ctx(), next) // ErrConflict: somebody else was faster
			}
		})
	}
	group.Wait()
	last, err := store.Load(f.ctx(), key)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, g := range gateways {
		f.eventually("agree with the store", func() error { return g.is(last) })
	}
}
