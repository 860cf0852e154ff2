package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// relation is which revision is a compatible successor of which: "ab" means that
// b is one of a's.
type relation map[string]bool

func relationOf(pairs string) relation {
	r := relation{}
	for pair := range strings.FieldsSeq(pairs) {
		r[pair] = true
	}
	return r
}

func (r relation) succeeds(before, after string) bool {
	if before == after {
		panic("a revision is compared with itself")
	}
	return r[before+after]
}

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		name             string
		pinned, registry string
		running          string // a letter each
		successors       string
		want             decision
	}{
		{name: "nothing is known"},
		{name: "one instance", running: "b", want: decision{inEffect: "b"}},
		{name: "the registry alone", registry: "b", want: decision{inEffect: "b"}},
		{name: "the same everywhere", registry: "b", running: "bbb", want: decision{inEffect: "b"}},
		{name: "an upgrade", running: "ba", successors: "ba", want: decision{inEffect: "a"}},
		{name: "an upgrade of what the registry has", registry: "b", running: "bba", successors: "ba", want: decision{inEffect: "a"}},
		{name: "the registry is ahead of the instances", registry: "b", running: "a", successors: "ab", want: decision{inEffect: "b"}},
		{name: "two upgrades at once", running: "abc", successors: "ab bc ac", want: decision{inEffect: "c"}},
		{name: "rolled back and pinned", pinned: "b", registry: "b", running: "ccb", successors: "bc", want: decision{inEffect: "b"}},
		{
			name: "pinned, and an instance breaks it", pinned: "b", registry: "b", running: "abc", successors: "bc",
			want: decision{inEffect: "b", refused: []string{"a"}},
		},
		{name: "interchangeable", running: "cb", successors: "bc cb", want: decision{inEffect: "b", disagreement: Interchangeable}},
		{
			name: "interchangeable, one is the registry's", registry: "c", running: "b", successors: "bc cb",
			want: decision{inEffect: "c", disagreement: Interchangeable},
		},
		{
			name: "both are successors of the registry's", registry: "a", running: "cb", successors: "ab ac bc cb",
			want: decision{inEffect: "b", disagreement: Interchangeable},
		},
		{name: "diverged", running: "cb", want: decision{inEffect: "b", refused: []string{"c"}, disagreement: Diverged}},
		{
			name: "diverged from the registry's", registry: "c", running: "b",
			want: decision{inEffect: "c", refused: []string{"b"}, disagreement: Diverged},
		},
		{
			name: "two successors of the registry's that diverge", registry: "a", running: "cb", successors: "ab ac",
			want: decision{inEffect: "a", disagreement: Diverged},
		},
		{
			name: "two successors of one instance that diverge", running: "abc", successors: "ab ac",
			want: decision{inEffect: "a", disagreement: Diverged},
		},
		{
			name: "an upgrade, and one that breaks both", registry: "a", running: "abx", successors: "ab",
			want: decision{inEffect: "a", refused: []string{"x"}, disagreement: Diverged},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := candidates{
				pinned: test.pinned, registry: test.registry, running: strings.Split(test.running, ""),
				succeeds: relationOf(test.successors).succeeds,
			}
			if test.running == "" {
				c.running = nil
			}
			if diff := cmp.Diff(test.want, c.decide(), cmp.AllowUnexported(decision{})); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecideEverySmallCase goes through every relation of three revisions, every
// set of those that run, and every one that the registry has or pins, and holds
// the decision to the rules, one by one.
func TestDecideEverySmallCase(t *testing.T) {
	revisions := []string{"a", "b", "c"}
	pairs := []string{"ab", "ac", "ba", "bc", "ca", "cb"}
	for bits := range 1 << len(pairs) {
		relation := relation{}
		for i, pair := range pairs {
			relation[pair] = bits&(1<<i) != 0
		}
		for set := range 1 << len(revisions) {
			var running []string
			for i, revision := range revisions {
				if set&(1<<i) != 0 {
					running = append(running, revision)
				}
			}
			for _, registry := range append(revisions, "") {
				for _, pinned := range append(revisions, "") {
					c := candidates{pinned: pinned, registry: registry, running: running, succeeds: relation.succeeds}
					if problem := check(&c, relation); problem != "" {
						t.Fatalf("%v, registry %q, pinned %q, running %v: %s", relation, registry, pinned, running, problem)
					}
				}
			}
		}
	}
}

// check says which rule a decision breaks, and that it depends on the order or
// the number of the instances.
func check(c *candidates, relation relation) string {
	d := c.decide()
	if problem := checkChoice(c, d, relation); problem != "" {
		return fmt.Sprintf("%+v: %s", d, problem)
	}
	for _, revision := range append(c.running, "?") {
		goesTogether := revision == d.inEffect || relation[revision+d.inEffect] || relation[d.inEffect+revision]
		if refused := slices.Contains(d.refused, revision); refused == goesTogether && revision != "?" {
			return fmt.Sprintf("%+v: %q is refused: %t", d, revision, refused)
		}
	}
	for range 3 {
		other := *c
		other.running = append(slices.Clone(c.running), c.running...)
		rand.Shuffle(len(other.running), func(i, j int) {
			other.running[i], other.running[j] = other.running[j], other.running[i]
		})
		if diff := cmp.Diff(d, other.decide(), cmp.AllowUnexported(decision{})); diff != "" {
			return "in another order: " + diff
		}
	}
	return ""
}

func checkChoice(c *candidates, d decision, relation relation) string {
	all := map[string]bool{}
	for _, revision := range append([]string{c.pinned, c.registry}, c.running...) {
		if revision != "" {
			all[revision] = true
		}
	}
	latest := map[string]bool{}
	for revision := range all {
		succeedsAll := true
		for other := range all {
			succeedsAll = succeedsAll && (other == revision || relation[other+revision])
		}
		if succeedsAll {
			latest[revision] = true
		}
	}
	smallest := func(of map[string]bool) string {
		least := ""
		for revision := range of {
			if least == "" || revision < least {
				least = revision
			}
		}
		return least
	}
	want, disagreement := "", Agreed
	switch {
	case c.pinned != "":
		want = c.pinned
	case len(all) == 0:
	case len(latest) == 1:
		want = smallest(latest)
	case len(latest) > 1 && latest[c.registry], len(latest) == 0 && c.registry != "":
		want = c.registry
	case len(latest) > 1:
		want = smallest(latest)
	default:
		want = smallest(all)
	}
	switch {
	case c.pinned == "" && len(latest) > 1:
		disagreement = Interchangeable
	case c.pinned == "" && len(all) > 0 && len(latest) == 0:
		disagreement = Diverged
	}
	if d.inEffect != want || d.disagreement != disagreement {
		return fmt.Sprintf("want %q, disagreement %q", want, disagreement)
	}
	return ""
}
