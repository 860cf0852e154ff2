package gateway

import (
	"context"
	"fmt"
	"slices"

	"github.com/mqrpc/mqrpc/catalog"
)

// Handler answers a request: by making the call, or without it.
type Handler func(ctx context.Context, request *Request) Response

// Stage is a filter's place on the way of a request. The order of the stages is
// fixed; filters of one stage have the order of [Config].Filters.
type Stage int

// The stages, from the outermost to the one next to the call. Those up to
// StageSplit see the API that the caller has named, the others the one that is
// called.
const (
	// StageRecord sees every request and its outcome, and changes nothing.
	StageRecord Stage = iota + 1
	// StageAuthenticate finds out who calls.
	StageAuthenticate
	// StageAuthorise refuses callers that may not call what they have named.
	StageAuthorise
	// StageLimit refuses what is too much.
	StageLimit
	// StageSplit chooses another version or method to be called, with
	// [Request.Resolve].
	StageSplit
	// StageAuthoriseTarget refuses callers that may not call what has been
	// chosen.
	StageAuthoriseTarget
	// StageDefaultResponse answers in place of a call that has failed. It is
	// outside the stages that follow, so that it sees what they refuse and they
	// see the call's own outcome.
	StageDefaultResponse
	// StageCircuit refuses calls that would fail.
	StageCircuit
	// StageShadow makes further calls, whose outcome the caller does not see.
	StageShadow

	stages
)

// Filter is a step between the front and the call. It may refuse the request,
// change its route or its metadata, and see its outcome.
type Filter struct {
	// Stage is the filter's place. Required.
	Stage Stage
	// Wrap returns the handler that the filter puts around the next one, for the
	// calls of one API; next itself if it has nothing to do with the API. It is
	// called once for each state of an API, so what follows from the policy is
	// worked out here and not for each call. It must not fail: a filter whose
	// policy is invalid returns a handler that refuses, or leaves that part out
	// where that is safe.
	//
	// The handler is called concurrently. It calls next at most once, in its own
	// goroutine. Its context ends when the call's time is over or the caller has
	// gone. The request and what it holds are the handler's until it returns.
	Wrap func(api *catalog.API, next Handler) Handler
}

// sortFilters returns the filters in the order of their stages.
func sortFilters(filters []Filter) ([]Filter, error) {
	for i, filter := range filters {
		if filter.Stage <= 0 || filter.Stage >= stages || filter.Wrap == nil {
			return nil, fmt.Errorf("gateway: filter %d has no stage or no function", i)
		}
	}
	sorted := slices.Clone(filters)
	slices.SortStableFunc(sorted, func(a, b Filter) int { return int(a.Stage - b.Stage) })
	return sorted, nil
}

// wrapStages puts the filters of some stages around a handler.
func wrapStages(api *catalog.API, filters []Filter, first, last Stage, handler Handler) Handler {
	for _, filter := range slices.Backward(filters) {
		if filter.Stage >= first && filter.Stage <= last {
			handler = filter.Wrap(api, handler)
		}
	}
	return handler
}
