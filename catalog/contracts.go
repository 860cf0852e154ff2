package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/compat"
	"github.com/mqrpc/mqrpc/runtime"
)

// maxRevisions bounds the revisions of one API whose contracts are kept beside
// the registry's. Those beyond it, in order, are passed over.
const maxRevisions = 8

// retryContract is how long a contract that could not be had is not asked for
// again.
const retryContract = 5 * time.Second

// contracts are what is known of the contracts of one API, by revision. The zero
// value is empty.
type contracts struct {
	known map[string]*revision
	// succeeds holds the comparisons made so far, by the revisions before and
	// after.
	succeeds map[[2]string]bool
	// last is the revision in effect last where the registry has none, and
	// where it came from.
	last       string
	lastOrigin Origin
}

// revision is a contract, linked, or why it is not known.
type revision struct {
	contract *contract.Contract
	services []*runtime.Service
	files    *descriptorpb.FileDescriptorSet // a worker's own, until they are in the snapshot

	err   error
	retry time.Time
}

// link links a contract and keeps it, unless it is known.
func (c *contracts) link(ctx context.Context, key contract.Key, name string, files *descriptorpb.FileDescriptorSet) (*revision, error) {
	if known := c.of(name); known != nil {
		return known, nil
	}
	linked, err := contract.Link(ctx, key, files)
	if err != nil {
		return nil, err
	}
	if linked.Revision != name {
		return nil, fmt.Errorf("the revision is %.64q, but that of the files is %q", name, linked.Revision)
	}
	found := &revision{contract: linked, services: runtime.ServicesOf(linked)}
	c.put(name, found)
	return found, nil
}

// of returns a revision whose contract is known, else nil.
func (c *contracts) of(name string) *revision {
	if known := c.known[name]; known != nil && known.contract != nil {
		return known
	}
	return nil
}

func (c *contracts) put(name string, r *revision) {
	if c.known == nil {
		c.known = make(map[string]*revision)
	}
	c.known[name] = r
}

// fail keeps for a while that a contract could not be had.
func (c *contracts) fail(name string, err error) {
	c.put(name, &revision{err: err, retry: time.Now().Add(retryContract)})
}

// missing are those of some revisions that are to be asked for now; all that are
// not known with force. It looks at so many of them only.
func (c *contracts) missing(names []string, force bool) []string {
	return slices.DeleteFunc(slices.Clone(bounded(names)), func(name string) bool {
		known := c.known[name]
		return known != nil && (known.contract != nil || !force && time.Now().Before(known.retry))
	})
}

// unread says why contracts are not known.
func (c *contracts) unread(names []string) map[string]string {
	unread := make(map[string]string)
	for i, name := range names {
		switch known := c.known[name]; {
		case i >= maxRevisions && c.of(name) == nil:
			unread[name] = fmt.Sprintf("there are more than %d revisions", maxRevisions)
		case known == nil:
			unread[name] = "no instance has been asked for it"
		case known.contract == nil:
			unread[name] = known.err.Error()
		}
	}
	return unread
}

// claimed is what an instance says that it serves.
type claimed struct {
	revision string
	services []string
}

// maxMissing is how many of the services that an instance does not serve are
// named.
const maxMissing = 10

// missingServices are those that instances do not serve although the contract of
// their revision declares them, by the instances' names: the first few.
func (c *contracts) missingServices(served map[string]claimed) map[string][]string {
	missing := make(map[string][]string)
	for name, claim := range served {
		known := c.of(claim.revision)
		if known == nil {
			continue
		}
		for _, service := range known.services {
			if slices.Contains(claim.services, string(service.FullName)) {
				continue
			}
			if missing[name] = append(missing[name], string(service.FullName)); len(missing[name]) == maxMissing {
				break
			}
		}
	}
	return missing
}

// bounded are the first of some revisions, which are the same at every gateway.
func bounded(names []string) []string { return names[:min(len(names), maxRevisions)] }

// prune drops the contracts that nobody needs.
func (c *contracts) prune(needed ...string) {
	maps.DeleteFunc(c.known, func(name string, _ *revision) bool { return !slices.Contains(needed, name) })
	maps.DeleteFunc(c.succeeds, func(pair [2]string, _ bool) bool {
		return c.known[pair[0]] == nil || c.known[pair[1]] == nil
	})
}

// succession reports whether the contract of after is a compatible successor of
// that of before. Both must be known.
func (c *contracts) succession(before, after string) bool {
	pair := [2]string{before, after}
	if succeeds, compared := c.succeeds[pair]; compared {
		return succeeds
	}
	succeeds := len(c.breaks(before, after)) == 0
	if c.succeeds == nil {
		c.succeeds = make(map[[2]string]bool)
	}
	c.succeeds[pair] = succeeds
	return succeeds
}

// breaks is what the contract of after breaks of that of before.
func (c *contracts) breaks(before, after string) []compat.Break {
	return compat.Breaking(compat.Check(c.known[before].contract.Descriptors(), c.known[after].contract.Descriptors()))
}
