package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/mqrpc/mqrpc/catalog"
)

// Source knows APIs. A gateway asks its sources for every request, so a source
// answers what it knows from memory and loads the rest within the context. It
// is safe for concurrent use.
type Source interface {
	// API returns the API (module, version). Its error is [catalog.ErrUnknownModule] or
	// [catalog.ErrUnknownVersion], wrapped or not, when the source is sure that there
	// is none; any other error means that the source could not find out.
	//
	// The same pointer says that nothing has changed. Returning another one is
	// how a source changes an API: requests under way finish with the one that
	// they have found.
	API(ctx context.Context, module, version string) (*catalog.API, error)
}

// Loaded is a [Source] that tells what it has in memory. A gateway asks it so
// first, which saves the context with the time that loading may take.
type Loaded interface {
	Source
	// Loaded returns what API would return without waiting, nil if it would
	// wait or fail.
	Loaded(module, version string) *catalog.API
}

// Eager is a [Source] with APIs that are known from the beginning. [New] makes
// them ready, so that what is wrong with them shows then.
type Eager interface {
	Source
	// Known returns those APIs.
	Known() []*catalog.API
}

// sources asks several sources one after the other.
type sources []Source

// loaded returns the first source's API if it is in memory. The others come
// after it: whether it has none is not known without asking.
func (s sources) loaded(module, version string) *catalog.API {
	if len(s) == 0 {
		return nil
	}
	if first, ok := s[0].(Loaded); ok {
		return first.Loaded(module, version)
	}
	return nil
}

// API returns the first API found. Without one, a source that could not find
// out outweighs those that know of none, and one that knows the module outweighs
// those that do not.
func (s sources) API(ctx context.Context, module, version string) (*catalog.API, error) {
	unknown := catalog.ErrUnknownModule
	var failures []error
	for _, source := range s {
		api, err := source.API(ctx, module, version)
		switch {
		case err == nil:
			return api, nil
		case errors.Is(err, catalog.ErrUnknownVersion):
			unknown = catalog.ErrUnknownVersion
		case !errors.Is(err, catalog.ErrUnknownModule):
			failures = append(failures, err)
		}
	}
	if len(failures) > 0 {
		return nil, fmt.Errorf("%s/%s could not be looked up: %w", module, version, errors.Join(failures...))
	}
	return nil, unknown
}
