package catalog

import (
	"slices"
	"strings"
)

// candidates are the revisions of one API among which one is in effect. What is
// decided of them depends on them alone: not on the order in which they came,
// nor on anybody's clock.
type candidates struct {
	// pinned is the revision that wins whatever the others are, "" for none.
	pinned string
	// registry is the registry's revision, "" for none.
	registry string
	// running are the revisions of the instances, as far as their contracts are
	// known, in any order.
	running []string
	// succeeds reports whether nothing that goes by the contract of before
	// breaks with that of after. It is asked about different revisions only.
	succeeds func(before, after string) bool
}

// Disagreement says why the contracts alone do not make one revision the one in
// effect.
type Disagreement string

// The disagreements.
const (
	// Agreed: one revision is a compatible successor of all others, or is
	// pinned.
	Agreed Disagreement = ""
	// Interchangeable: several revisions are compatible successors of all
	// others, each other among them.
	Interchangeable Disagreement = "interchangeable"
	// Diverged: no revision is a compatible successor of all others.
	Diverged Disagreement = "diverged"
)

// decision is what becomes of candidates.
type decision struct {
	inEffect     string   // "" without candidates
	refused      []string // the running ones that break the one in effect, in order
	disagreement Disagreement
}

// decide chooses the revision in effect: the pinned one; else the one that is a
// compatible successor of all others; else, of those that are, or of all if none
// is, the registry's, or the smallest.
func (c *candidates) decide() decision {
	var d decision
	d.inEffect, d.disagreement = c.choose()
	for _, revision := range c.all() {
		if slices.Contains(c.running, revision) && c.breaks(revision, d.inEffect) {
			d.refused = append(d.refused, revision)
		}
	}
	return d
}

func (c *candidates) choose() (string, Disagreement) {
	if c.pinned != "" {
		return c.pinned, Agreed
	}
	all := c.all()
	latest := slices.DeleteFunc(slices.Clone(all), func(revision string) bool { return !c.succeedsAll(revision, all) })
	switch {
	case len(all) == 0:
		return "", Agreed
	case len(latest) == 1:
		return latest[0], Agreed
	case len(latest) > 1:
		return c.prefer(latest), Interchangeable
	}
	return c.prefer(all), Diverged
}

// all are the different revisions, in order.
func (c *candidates) all() []string {
	all := append([]string{c.pinned, c.registry}, c.running...)
	slices.Sort(all)
	return slices.Compact(slices.DeleteFunc(all, func(revision string) bool { return revision == "" }))
}

func (c *candidates) succeedsAll(revision string, others []string) bool {
	for _, other := range others {
		if other != revision && !c.succeeds(other, revision) {
			return false
		}
	}
	return true
}

// prefer chooses where the contracts do not.
func (c *candidates) prefer(among []string) string {
	if slices.Contains(among, c.registry) {
		return c.registry
	}
	return slices.MinFunc(among, strings.Compare)
}

// breaks reports whether a revision does not go together with the one in effect.
// The one before it in a rolling upgrade does: callers of the newer contract get
// from it what it knows.
func (c *candidates) breaks(revision, inEffect string) bool {
	return revision != inEffect && !c.succeeds(inEffect, revision) && !c.succeeds(revision, inEffect)
}
