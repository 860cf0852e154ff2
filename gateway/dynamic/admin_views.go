package dynamic

import (
	"encoding/json"
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
	// has called: then only Instances says something.
	Loaded bool `json:"loaded"`
	// Deleted is true if the registry has deleted it.
	Deleted bool `json:"deleted,omitempty"`
	// Source says where the state in effect came from.
	Source Origin `json:"source,omitempty"`
	// Revision is the revision in effect, Sequence its number in the registry;
	// 0 if the registry does not hold it.
	Revision string `json:"revision,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	// Services are the full names of the services.
	Services []string `json:"services,omitempty"`
	// Instances is the number of workers that have announced themselves, and
	// Revisions the different revisions that they serve.
	Instances int      `json:"instances"`
	Revisions []string `json:"revisions,omitempty"`
	// Since is when the state came into effect, LastUsed when the API was
	// called last, to the second.
	Since    time.Time `json:"since,omitzero"`
	LastUsed time.Time `json:"lastUsed,omitzero"`
	// InFlight is the number of calls under way.
	InFlight int64 `json:"inFlight"`
	// Problems are the parts of the policy that are invalid and left out.
	Problems []string `json:"problems,omitempty"`
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
func (a *APIs) list(after contract.Key, limit int) APIList {
	keys := a.instances.keys()
	for e := range a.table.all() {
		keys = append(keys, e.key)
	}
	slices.SortFunc(keys, contract.Key.Compare)
	keys = slices.Compact(keys)
	first, found := slices.BinarySearchFunc(keys, after, contract.Key.Compare)
	if found {
		first++
	}
	keys = keys[first:]
	page := APIList{APIs: []APISummary{}}
	if len(keys) > limit {
		keys = keys[:limit]
		page.Next = keys[limit-1].String()
	}
	for _, key := range keys {
		page.APIs = append(page.APIs, a.summary(key, a.instances.of(key)))
	}
	return page
}

func (a *APIs) summary(key contract.Key, workers []Instance) APISummary {
	summary := APISummary{Module: key.Module, Version: key.Version, Instances: len(workers)}
	for _, worker := range workers {
		if worker.Revision != "" && !slices.Contains(summary.Revisions, worker.Revision) {
			summary.Revisions = append(summary.Revisions, worker.Revision)
		}
	}
	e := a.table.get(key)
	if e == nil {
		return summary
	}
	now := e.state.Load()
	summary.Loaded, summary.Deleted = now.api != nil, now.api == nil
	summary.Source, summary.Revision, summary.Sequence = now.origin, now.revision, now.sequence
	summary.Since, summary.LastUsed = now.since, e.lastUsed()
	summary.InFlight, summary.Problems = e.calls.InFlight(), now.problems
	if now.api != nil {
		for _, service := range now.api.Services {
			summary.Services = append(summary.Services, string(service.FullName))
		}
	}
	return summary
}

// detail is all about one API; false if nothing is known of it.
func (a *APIs) detail(key contract.Key) (APIDetail, bool) {
	workers := a.instances.of(key)
	detail := APIDetail{APISummary: a.summary(key, workers), Methods: []MethodDetail{}, Workers: workers}
	if workers == nil {
		detail.Workers = []Instance{}
	}
	e := a.table.get(key)
	if e == nil {
		return detail, len(workers) > 0
	}
	now := e.state.Load()
	if now.api == nil {
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
