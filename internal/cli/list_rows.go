package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// apiRow is an API in a list.
type apiRow struct {
	API string `json:"api"`
	// Revisions are those that instances serve, or the stored one if none does.
	Revisions []string      `json:"revisions"`
	Instances []instanceRow `json:"instances"`
	// Registry says what the registry has; empty: it was not asked.
	Registry string         `json:"registry,omitempty"`
	Stored   *registry.Head `json:"stored,omitempty"`
	key      contract.Key
}

// instanceRow is one worker in a list.
type instanceRow struct {
	Instance string    `json:"instance"`
	Host     string    `json:"host"`
	PID      int64     `json:"pid"`
	Language string    `json:"language"`
	Started  time.Time `json:"started"`
	Revision string    `json:"revision"`
	Running  uint64    `json:"running"`
	Waiting  uint64    `json:"waiting"`
	Answered uint64    `json:"answered"`
	Refused  bool      `json:"refused,omitempty"`
}

// mergeAPIs joins what workers claim with what is stored.
func mergeAPIs(module string, heard []*mqrpcv1.Claim, stored []registry.Head) []apiRow {
	found := make(map[contract.Key]*apiRow)
	row := func(key contract.Key) *apiRow {
		if found[key] == nil {
			found[key] = &apiRow{API: key.String(), Registry: "-", Instances: []instanceRow{}, key: key}
		}
		return found[key]
	}
	for _, a := range heard {
		if module != "" && a.GetModule() != module {
			continue
		}
		api := row(contract.Key{Module: a.GetModule(), Version: a.GetVersion()})
		api.Instances = append(api.Instances, instanceRow{
			Instance: a.GetInstance(), Host: a.GetHost(), PID: a.GetPid(), Language: a.GetLanguage(), Started: a.GetStarted().AsTime(),
			Revision: a.GetRevision(), Running: a.GetRunning(), Waiting: a.GetWaiting(), Answered: a.GetAnswered(), Refused: a.GetRefused(),
		})
		if !slices.Contains(api.Revisions, a.GetRevision()) {
			api.Revisions = append(api.Revisions, a.GetRevision())
		}
	}
	for i := range stored {
		row(stored[i].Key).store(&stored[i])
	}
	rows := make([]apiRow, 0, len(found))
	for _, api := range found {
		slices.Sort(api.Revisions)
		slices.SortFunc(api.Instances, func(a, b instanceRow) int { return cmp.Compare(a.Instance, b.Instance) })
		rows = append(rows, *api)
	}
	slices.SortFunc(rows, func(a, b apiRow) int { return a.key.Compare(b.key) })
	return rows
}

// store says how the stored contract relates to those that are served.
func (r *apiRow) store(head *registry.Head) {
	r.Stored = head
	switch {
	case len(r.Revisions) == 0:
		r.Revisions = []string{head.Revision}
		r.Registry = fmt.Sprintf("change %d, not served", head.Sequence)
	case len(r.Revisions) == 1 && r.Revisions[0] == head.Revision:
		r.Registry = fmt.Sprintf("change %d", head.Sequence)
	default:
		r.Registry = fmt.Sprintf("change %d, of revision %s", head.Sequence, head.Revision)
	}
}

// allHeads reads all pages of a list.
func allHeads(ctx context.Context, store registry.Store, query registry.ListQuery) ([]registry.Head, error) {
	var heads []registry.Head
	for {
		page, err := store.List(ctx, query)
		if err != nil {
			return nil, err
		}
		heads = append(heads, page...)
		if len(page) < query.PageSize() {
			return heads, nil
		}
		query.After = page[len(page)-1].Key
	}
}

// writeJSON writes a value for programs.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
