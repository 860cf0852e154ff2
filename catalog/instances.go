package catalog

import (
	"slices"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/presence"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Instance is a running worker as it claims one of its APIs.
type Instance struct {
	// Instance is its name, unique among all workers.
	Instance string `json:"instance"`
	// Revision is the revision of the API that it serves.
	Revision string `json:"revision"`
	// Services are the full names of the services that it serves; nil: it does
	// not say, or names more than are kept.
	Services []string `json:"services,omitempty"`
	// Missing are those of its revision's services that it does not serve: the
	// first ten.
	Missing []string `json:"missing,omitempty"`
	// Host, PID and Language say where it runs and what it is written in.
	Host     string `json:"host,omitempty"`
	PID      int64  `json:"pid,omitempty"`
	Language string `json:"language,omitempty"`
	// Started is when it started, by its own clock: for people, nothing is
	// decided by it.
	Started time.Time `json:"started"`
	// Seen is when it was heard of last.
	Seen time.Time `json:"seen"`
	// Expires is when it counts as gone unless it is heard of again.
	Expires time.Time `json:"expires"`
	// Running and Waiting are the calls in handlers and those that wait for
	// one, Answered those that it has answered; for this API.
	Running  uint64 `json:"running"`
	Waiting  uint64 `json:"waiting"`
	Answered uint64 `json:"answered"`
	// Refused is true while it says that it was refused and does not consume.
	Refused bool `json:"refused,omitempty"`
}

// instance is one of an entry's.
type instance struct {
	Instance

	told    time.Time // when it was last told whether it is refused
	refusal bool      // what it was told
}

// The bounds of how long a claim holds. What says less or more is held
// to them.
const (
	minValidFor = time.Second
	maxValidFor = 10 * time.Minute
)

// The bounds of what is kept of an instance: of each text, and of its services.
const (
	maxInstanceText     = 255
	maxInstanceServices = 64
)

// listen hears what workers claim.
func (c *Catalog) listen() *presence.Listener {
	return presence.Listen(presence.Config{
		Transport: c.config.Transport,
		Heard: func(claim *mqrpcv1.Claim, whole bool) {
			key := contract.Key{Module: claim.GetModule(), Version: claim.GetVersion()}
			c.hear(key, instanceOf(claim), whole, claim.GetStopping())
		},
		Malformed: func(err error) {
			c.counters.malformed.Add(1)
			c.config.Logger.Warn("catalog: a message is no claim, it is dropped", "error", err)
		},
		Failed: func(err error) {
			c.config.Logger.Warn("catalog: what workers claim cannot be heard; trying again", "error", err)
		},
	})
}

func instanceOf(a *mqrpcv1.Claim) Instance {
	now := time.Now()
	return Instance{
		Instance: kept(a.GetInstance()),
		Revision: kept(a.GetRevision()),
		Host:     kept(a.GetHost()),
		PID:      a.GetPid(),
		Language: kept(a.GetLanguage()),
		Started:  a.GetStarted().AsTime(),
		Seen:     now,
		Expires:  now.Add(min(max(a.GetValidFor().AsDuration(), minValidFor), maxValidFor)),
		Running:  a.GetRunning(),
		Waiting:  a.GetWaiting(),
		Answered: a.GetAnswered(),
		Refused:  a.GetRefused(),
		Services: keptServices(a.GetServices()),
	}
}

// kept is a text as it is kept: bounded, and apart from the message that it came
// in.
func kept(text string) string { return strings.Clone(text[:min(len(text), maxInstanceText)]) }

func keptServices(services []string) []string {
	if len(services) == 0 || len(services) > maxInstanceServices {
		return nil
	}
	names := make([]string, len(services))
	for i, name := range services {
		names[i] = kept(name)
	}
	slices.Sort(names)
	return names
}

// hear takes what an instance says of one of its APIs. What is not whole leaves
// out what it has said before.
func (c *Catalog) hear(key contract.Key, said Instance, whole, stopping bool) {
	c.counters.announcements.Add(1)
	if stopping {
		c.forget(key, said.Instance)
		return
	}
	if c.table.get(key) == nil && !c.table.hasRoom(key.Module, c.config.Limits.Instances) {
		c.counters.crowded.Add(1)
		return
	}
	e := c.table.lock(key)
	defer e.mu.Unlock()
	if !isDeleted(e) {
		e.reconsider()
	}
	before, there := e.instances[said.Instance]
	if !there && !c.table.enter(key.Module, c.config.Limits.Instances) {
		c.counters.crowded.Add(1)
		return
	}
	if !whole {
		said.Host, said.PID, said.Language, said.Started, said.Services = before.Host, before.PID, before.Language, before.Started, before.Services
	}
	e.instances[said.Instance] = instance{Instance: said, told: before.told, refusal: before.refusal}
	if said.Revision == e.described.revision {
		e.described = described{} // its own word counts from now on
	}
	c.table.count(e)
	if now := e.now.Load(); now != nil && (!there || before.differs(said) || now.isNewsTo(said)) {
		c.want(e, settle)
	}
}

// differs reports whether an instance serves something else than it said before.
func (i *Instance) differs(now Instance) bool {
	return i.Revision != now.Revision || !slices.Equal(i.Services, now.Services)
}

// isDeleted reports whether the registry has deleted an API: no instance brings
// it back. The entry's mutex is held.
func isDeleted(e *entry) bool { return e.registry.head.Deleted }

// isNewsTo reports whether an instance does not seem to know whether it is
// refused.
func (s *state) isNewsTo(i Instance) bool {
	return i.Revision != "" && i.Refused != (s.refused[i.Revision] != "")
}

// forget takes an instance out that has stopped.
func (c *Catalog) forget(key contract.Key, name string) {
	e := c.table.get(key)
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !isDeleted(e) {
		e.reconsider()
	}
	c.drop(e, func(i Instance) bool { return i.Instance == name })
}

// drop takes instances out. The entry's mutex is held.
func (c *Catalog) drop(e *entry, gone func(Instance) bool) {
	before := len(e.instances)
	for name, known := range e.instances {
		if gone(known.Instance) {
			delete(e.instances, name)
		}
	}
	if len(e.instances) == before {
		return
	}
	c.table.left(e.key.Module, before-len(e.instances))
	c.table.count(e)
	if e.now.Load() != nil {
		c.want(e, settle)
	}
}
