package dynamic

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Instance is a running worker as it has announced itself for one of its APIs.
type Instance struct {
	// Instance is its name, unique among all workers.
	Instance string `json:"instance"`
	// Revision is the revision of the API that it serves.
	Revision string `json:"revision"`
	// Host, PID and Language say where it runs and what it is written in.
	Host     string `json:"host,omitempty"`
	PID      int64  `json:"pid,omitempty"`
	Language string `json:"language,omitempty"`
	// Started is when it started, by its own clock.
	Started time.Time `json:"started"`
	// Seen is when its last announcement came.
	Seen time.Time `json:"seen"`
	// Expires is when it counts as gone unless another one comes.
	Expires time.Time `json:"expires"`
	// Running and Waiting are the calls in handlers and those that wait for
	// one, Answered those that it has answered; for this API.
	Running  int64 `json:"running"`
	Waiting  int64 `json:"waiting"`
	Answered int64 `json:"answered"`
}

// The bounds of how long an announcement holds. What says less or more is held
// to them.
const (
	minValidFor = time.Second
	maxValidFor = 10 * time.Minute
)

// instances is the table of those who have announced themselves, so many at the
// most.
type instances struct {
	limit int

	mu      sync.Mutex
	count   int
	byKey   map[contract.Key]map[string]Instance
	modules map[string]int // the keys of each
}

func newInstances(limit int) *instances {
	return &instances{
		limit:   limit,
		byKey:   make(map[contract.Key]map[string]Instance),
		modules: make(map[string]int),
	}
}

func instanceOf(a *mqrpcv1.Announcement) Instance {
	now := time.Now()
	return Instance{
		Instance: a.GetInstance(),
		Revision: a.GetRevision(),
		Host:     a.GetHost(),
		PID:      a.GetPid(),
		Language: a.GetLanguage(),
		Started:  a.GetStarted().AsTime(),
		Seen:     now,
		Expires:  now.Add(min(max(a.GetValidFor().AsDuration(), minValidFor), maxValidFor)),
		Running:  a.GetRunning(),
		Waiting:  a.GetWaiting(),
		Answered: a.GetAnswered(),
	}
}

// put takes an announcement, and reports whether there was room for it.
func (s *instances) put(key contract.Key, instance Instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.byKey[key]
	if _, there := of[instance.Instance]; !there {
		if s.count >= s.limit {
			return false
		}
		s.count++
	}
	if of == nil {
		of = make(map[string]Instance)
		s.byKey[key] = of
		s.modules[key.Module]++
	}
	of[instance.Instance] = instance
	return true
}

// remove takes an instance out that has stopped.
func (s *instances) remove(key contract.Key, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(key, name)
}

// drop is remove with the mutex held.
func (s *instances) drop(key contract.Key, name string) {
	of := s.byKey[key]
	if _, there := of[name]; !there {
		return
	}
	delete(of, name)
	s.count--
	if len(of) > 0 {
		return
	}
	delete(s.byKey, key)
	if s.modules[key.Module]--; s.modules[key.Module] == 0 {
		delete(s.modules, key.Module)
	}
}

// sweep drops those that have not been heard of for too long, and returns their
// APIs.
func (s *instances) sweep() []contract.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	gone := make(map[contract.Key]bool)
	for key, of := range s.byKey {
		for name, instance := range of {
			if !now.Before(instance.Expires) {
				s.drop(key, name)
				gone[key] = true
			}
		}
	}
	return slices.Collect(maps.Keys(gone))
}

// serve reports whether somebody has announced the API.
func (s *instances) serve(key contract.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey[key]) > 0
}

// serveModule reports whether somebody has announced an API of the module.
func (s *instances) serveModule(module string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modules[module] > 0
}

// of returns the instances of an API by name.
func (s *instances) of(key contract.Key) []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byKey[key]), func(a, b Instance) int {
		return cmp.Compare(a.Instance, b.Instance)
	})
}

// keys returns the APIs that are announced, in any order.
func (s *instances) keys() []contract.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.byKey))
}

func (s *instances) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// newest is the revision of the instance of an API that started last, "" if none
// says which it serves. It depends on who runs, not on who spoke last, so that
// in a rolling upgrade the revision changes once, and changes back only when
// the new instances go.
func (s *instances) newest(key contract.Key) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest Instance
	for _, instance := range s.byKey[key] {
		if instance.Revision == "" {
			continue
		}
		if cmp.Or(instance.Started.Compare(newest.Started), cmp.Compare(instance.Instance, newest.Instance)) > 0 {
			newest = instance
		}
	}
	return newest.Revision
}
