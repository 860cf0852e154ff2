package catalog

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
)

// APISummary is one API as GET /apis shows it.
type APISummary struct {
	Module  string `json:"module"`
	Version string `json:"version"`
	// Loaded is false for an API that workers have announced and that nobody
	// has called: then only Instances and Revisions say something.
	Loaded bool `json:"loaded"`
	// Deleted is true if the registry has deleted it.
	Deleted bool `json:"deleted,omitempty"`
	// Source says where the contract in effect comes from.
	Source Origin `json:"source,omitempty"`
	// Revision is the revision in effect. Pinned: whatever instances serve.
	Revision string `json:"revision,omitempty"`
	Pinned   bool   `json:"pinned,omitempty"`
	// Registry is the revision that the registry holds, Sequence its number
	// there; empty and 0 if the registry does not hold the API.
	Registry string `json:"registry,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	// Disagreement says why the contracts alone do not say which revision is in
	// effect.
	Disagreement Disagreement `json:"disagreement,omitempty"`
	// Services are the full names of the services.
	Services []string `json:"services,omitempty"`
	// Instances is the number of workers that have announced themselves, and
	// Revisions the different revisions that they serve.
	Instances int               `json:"instances"`
	Revisions []RevisionSummary `json:"revisions,omitempty"`
	// Since is when the state came into effect, LastUsed when the API was
	// called last, to the second.
	Since    time.Time `json:"since,omitzero"`
	LastUsed time.Time `json:"lastUsed,omitzero"`
	// InFlight is the number of calls under way.
	InFlight int64 `json:"inFlight"`
	// Problems are the parts of the policy that are invalid and left out.
	Problems []string `json:"problems,omitempty"`
}

// RevisionSummary is a revision that instances of an API serve.
type RevisionSummary struct {
	Revision string `json:"revision"`
	// Instances is their number.
	Instances int `json:"instances"`
	// Refused says what the revision breaks of the one in effect: its instances
	// are refused.
	Refused string `json:"refused,omitempty"`
	// Unread says why the revision's contract is not known, and so counts for
	// nothing.
	Unread string `json:"unread,omitempty"`
}

// APIDetail is one API as GET /apis/{module}/{version} shows it.
type APIDetail struct {
	APISummary

	// Methods are the methods in the order of the contract.
	Methods []MethodDetail `json:"methods"`
	// Policy is the policy as ProtoJSON writes it; absent if there is none.
	Policy json.RawMessage `json:"policy,omitempty"`
	// Workers are the instances, by name.
	Workers []Instance `json:"workers"`
}

// MethodDetail is one method of an [APIDetail].
type MethodDetail struct {
	Name        string `json:"name"`
	Request     string `json:"request"`  // the full name of the message
	Response    string `json:"response"` // likewise
	Idempotency string `json:"idempotency"`
	// Timeout is what the policy and the contract say together, for example
	// "2s". Empty: the gateway's default.
	Timeout string `json:"timeout,omitempty"`
	// Disabled is true if the policy refuses calls.
	Disabled bool `json:"disabled,omitempty"`
}

// list is a page of the APIs after that one.
func (c *Catalog) list(after contract.Key, limit int) APIList {
	var found []*entry
	for e := range c.table.all() {
		if e.key.Compare(after) > 0 && e.isKnown() {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(x, y *entry) int { return x.key.Compare(y.key) })
	page := APIList{APIs: []APISummary{}}
	if len(found) > limit {
		found = found[:limit]
		page.Next = found[limit-1].key.String()
	}
	for _, e := range found {
		e.mu.Lock()
		page.APIs = append(page.APIs, e.summary())
		e.mu.Unlock()
	}
	return page
}

// isKnown reports whether an entry is more than the memory of a name.
func (e *entry) isKnown() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.known || e.registry.head.Deleted
}

// summary is called with the entry's mutex held.
func (e *entry) summary() APISummary {
	summary := APISummary{
		Module: e.key.Module, Version: e.key.Version, Instances: len(e.instances),
		Registry: e.registry.head.Revision, Sequence: e.registry.head.Sequence, Deleted: e.registry.head.Deleted,
		InFlight: e.calls.InFlight(),
	}
	now := e.now.Load()
	if now == nil {
		now = &state{}
	}
	summary.Revisions = e.revisions(now)
	if now.api == nil {
		return summary
	}
	summary.Loaded, summary.Source, summary.Revision, summary.Pinned = true, now.origin, now.revision, now.pinned
	summary.Disagreement, summary.Problems = now.disagreement, now.problems
	summary.Since, summary.LastUsed = now.since, e.lastUsed()
	for _, service := range now.api.Services {
		summary.Services = append(summary.Services, string(service.FullName))
	}
	return summary
}

// revisions are the revisions that instances serve. The entry's mutex is held.
func (e *entry) revisions(now *state) []RevisionSummary {
	count := make(map[string]int)
	for _, known := range e.instances {
		count[known.Revision]++
	}
	var revisions []RevisionSummary
	for _, revision := range slices.Sorted(maps.Keys(count)) {
		revisions = append(revisions, RevisionSummary{
			Revision: revision, Instances: count[revision], Refused: now.refused[revision], Unread: now.unread[revision],
		})
	}
	return revisions
}

// detail is all about one API; false if nothing is known of it.
func (e *entry) detail() (APIDetail, bool) {
	if !e.isKnown() {
		return APIDetail{}, false
	}
	e.mu.Lock()
	detail := APIDetail{APISummary: e.summary(), Methods: []MethodDetail{}, Workers: []Instance{}}
	now := e.now.Load()
	for _, known := range e.instances {
		worker := known.Instance
		if now != nil {
			worker.Missing = now.missing[worker.Instance]
		}
		detail.Workers = append(detail.Workers, worker)
	}
	e.mu.Unlock()
	slices.SortFunc(detail.Workers, func(a, b Instance) int { return cmp.Compare(a.Instance, b.Instance) })
	if now == nil {
		return detail, true
	}
	for _, service := range now.api.Services {
		for _, method := range service.Methods {
			detail.Methods = append(detail.Methods, methodDetail(method, now.api.Timeout(method), now.api.Disabled(method)))
		}
	}
	detail.Policy = policyJSON(now.api.Policy)
	return detail, true
}

func methodDetail(method *runtime.Method, timeout time.Duration, disabled bool) MethodDetail {
	detail := MethodDetail{
		Name:        method.Name,
		Request:     messageName(method.Request),
		Response:    messageName(method.Response),
		Idempotency: method.Idempotency.String(),
		Disabled:    disabled,
	}
	if timeout > 0 {
		detail.Timeout = timeout.String()
	}
	return detail
}

func messageName(message proto.Message) string {
	return string(message.ProtoReflect().Descriptor().FullName())
}

func policyJSON(policy *mqrpcv1.Policy) json.RawMessage {
	if policy == nil {
		return nil
	}
	encoded, err := protojson.Marshal(policy)
	if err != nil {
		return nil
	}
	return encoded
}
