package registrytest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

func listingTests() []test {
	return []test{
		{name: "ListEmpty", run: testListEmpty},
		{name: "List", run: testList},
		{name: "Heads", run: testHeads},
		{name: "ThousandsOfAPIs", run: testThousands},
	}
}

func testListEmpty(f *fixture) {
	store := f.store()
	heads, err := store.List(f.ctx(), registry.ListQuery{})
	if err != nil || len(heads) != 0 {
		f.t.Fatalf("an empty registry lists %v, error %v", heads, err)
	}
	heads, err = store.Heads(f.ctx(), nil)
	if err != nil || len(heads) != 0 {
		f.t.Fatalf("no keys have the heads %v, error %v", heads, err)
	}
}

// testList uses names whose order depends on the bytes: collations of people's
// languages, and orders of joined names, differ.
func testList(f *fixture) {
	store := f.store()
	var all []registry.Head
	for _, name := range []string{"b/1.0", "B/1.0", "a_/1.0", "a-/1.0", "a/1.10", "a/1.9", "a/1", "a/1-x", "a0/0", "a/B", "a/a"} {
		key, err := contract.ParseKey(name)
		if err != nil {
			f.t.Fatal(err)
		}
		api := API(key, 1, 1)
		f.save(store, api)
		if name == "a/1.9" {
			api = Tombstone(api)
			f.save(store, api)
		}
		all = append(all, registry.HeadOf(api))
	}
	slices.SortFunc(all, func(x, y registry.Head) int { return x.Compare(y.Key) })
	alive := slices.DeleteFunc(slices.Clone(all), func(h registry.Head) bool { return h.Deleted })
	inA := slices.DeleteFunc(slices.Clone(alive), func(h registry.Head) bool { return h.Module != "a" })

	for _, c := range []struct {
		query registry.ListQuery
		want  []registry.Head
	}{
		{registry.ListQuery{}, alive},
		{registry.ListQuery{Deleted: true}, all},
		{registry.ListQuery{Module: "a"}, inA},
		{registry.ListQuery{Module: "nobody"}, nil},
		{registry.ListQuery{Limit: 3}, alive[:3]},
		{registry.ListQuery{After: alive[2].Key, Limit: 3}, alive[3:6]},
		{registry.ListQuery{Module: "a", After: inA[1].Key}, inA[2:]},
		{registry.ListQuery{After: alive[len(alive)-1].Key}, nil},
		{registry.ListQuery{After: contract.Key{Module: "a", Version: "1.9"}, Limit: 1, Deleted: true}, []registry.Head{all[slices.IndexFunc(all, func(h registry.Head) bool { return h.Deleted })+1]}},
	} {
		got, err := store.List(f.ctx(), c.query)
		if err != nil {
			f.t.Fatalf("list %+v: %v", c.query, err)
		}
		if diff := gocmp.Diff(c.want, got); diff != "" && len(c.want)+len(got) > 0 {
			f.t.Errorf("list %+v (-want +got):\n%s", c.query, diff)
		}
	}
}

func testHeads(f *fixture) {
	store := f.store()
	first, second := API(key, 1, 1), API(contract.Key{Module: "pay", Version: "2.0"}, 1, 1)
	f.save(store, first)
	f.save(store, second)
	second = Tombstone(second)
	f.save(store, second)

	unknown := contract.Key{Module: "nobody", Version: "0"}
	got, err := store.Heads(f.ctx(), []contract.Key{contract.KeyOf(second), unknown, key})
	if err != nil {
		f.t.Fatalf("heads: %v", err)
	}
	slices.SortFunc(got, func(a, b registry.Head) int { return a.Compare(b.Key) })
	want := []registry.Head{registry.HeadOf(second), registry.HeadOf(first)}
	if diff := gocmp.Diff(want, got); diff != "" {
		f.t.Errorf("heads (-want +got):\n%s", diff)
	}
	_, err = store.Heads(f.ctx(), make([]contract.Key, registry.MaxHeads+1))
	f.wantError("heads of too many keys", err, registry.ErrInvalid)
}

func testThousands(f *fixture) {
	const count = 1100
	store := f.store()
	heads := make([]registry.Head, count)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := worker; i < count; i += 4 {
				api := API(contract.Key{Module: fmt.Sprintf("m%d", i/10), Version: fmt.Sprint(i % 10)}, 1, 1)
				heads[i] = registry.HeadOf(api)
				if err := store.Save(f.ctx(), api); err != nil {
					f.t.Errorf("save %s: %v", contract.KeyOf(api), err)
					return
				}
			}
		})
	}
	group.Wait()
	slices.SortFunc(heads, func(a, b registry.Head) int { return a.Compare(b.Key) })

	var listed []registry.Head
	query := registry.ListQuery{}
	for {
		page, err := store.List(f.ctx(), query)
		if err != nil {
			f.t.Fatalf("list after %s: %v", query.After, err)
		}
		listed = append(listed, page...)
		if len(page) < query.PageSize() {
			break
		}
		query.After = page[len(page)-1].Key
	}
	if !slices.Equal(listed, heads) {
		f.t.Fatalf("the pages list %d APIs, want %d, each once and in order", len(listed), len(heads))
	}
	var keys []contract.Key
	for _, head := range heads[:registry.MaxHeads] {
		keys = append(keys, head.Key)
	}
	got, err := store.Heads(f.ctx(), keys)
	slices.SortFunc(got, func(a, b registry.Head) int { return cmp.Or(a.Compare(b.Key)) })
	if err != nil || !slices.Equal(got, heads[:registry.MaxHeads]) {
		f.t.Fatalf("%d keys have %d heads, error %v", len(keys), len(got), err)
	}
}

// CheckDamagedHead checks a store in which the head of one API, of two, cannot be
// read: only that one suffers.
func CheckDamagedHead(t *testing.T, store registry.Store, good, damaged contract.Key) {
	t.Helper()
	heads, err := store.Heads(t.Context(), []contract.Key{damaged, good})
	if err != nil || len(heads) != 1 || heads[0].Key != good {
		t.Errorf("heads: got %v, error %v", heads, err)
	}
	listed, err := store.List(t.Context(), registry.ListQuery{})
	if err != nil || len(listed) != 1 || listed[0].Key != good {
		t.Errorf("list: got %v, error %v", listed, err)
	}
	if _, err := store.Load(t.Context(), damaged); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("load the damaged one: got error %v, want %v", err, registry.ErrCorrupt)
	}
	if _, err := store.Load(t.Context(), good); err != nil {
		t.Errorf("load the good one: %v", err)
	}
}
