package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
)

// Static is a source of routing tables that are compiled in: the X_Service
// variables of generated code. It refuses invalid names; [New] refuses methods
// without descriptors, and two of one name in one API.
func Static(services ...*runtime.Service) (Source, error) {
	static := &staticSource{apis: map[contract.Key]*catalog.API{}, modules: map[string]bool{}}
	for _, service := range services {
		if err := static.add(service); err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
	}
	return static, nil
}

// staticSource is an immutable set of APIs.
type staticSource struct {
	apis    map[contract.Key]*catalog.API
	modules map[string]bool
	order   []*catalog.API
}

// add is called before the source is used.
func (s *staticSource) add(service *runtime.Service) error {
	if service == nil {
		return errors.New("a service is nil")
	}
	key := contract.Key{Module: service.Module, Version: service.Version}
	if err := key.Check(); err != nil {
		return fmt.Errorf("service %s: %w", service.FullName, err)
	}
	api := s.apis[key]
	if api == nil {
		api = &catalog.API{Module: service.Module, Version: service.Version}
		s.apis[key], s.modules[service.Module] = api, true
		s.order = append(s.order, api)
	}
	api.Services = append(api.Services, service)
	return nil
}

// Loaded implements [Loaded].
func (s *staticSource) Loaded(module, version string) *catalog.API {
	return s.apis[contract.Key{Module: module, Version: version}]
}

// API finds one of the compiled-in APIs.
func (s *staticSource) API(_ context.Context, module, version string) (*catalog.API, error) {
	if api := s.apis[contract.Key{Module: module, Version: version}]; api != nil {
		return api, nil
	}
	if s.modules[module] {
		return nil, catalog.ErrUnknownVersion
	}
	return nil, catalog.ErrUnknownModule
}

// Known implements [Eager].
func (s *staticSource) Known() []*catalog.API { return s.order }
