package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/filter/defaultresponse"
	"github.com/mqrpc/mqrpc/gateway/filter/disabled"
	"github.com/mqrpc/mqrpc/gateway/filter/limit"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/internal/cli/backend"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/disk"
	"github.com/mqrpc/mqrpc/runtime"
)

// front is a gateway with all that it works with. It owns what it has.
type front struct {
	*settings

	logger    *slog.Logger
	listener  net.Listener
	admin     net.Listener // nil: none
	transport runtime.Transport

	location backend.Location
	notify   backend.Notify
	backend  *backend.Backend  // nil: there is no registry
	notifier registry.Notifier // nil: the poll alone
	snapshot registry.Snapshot // nil: none
}

// openRegistry opens the registry and the snapshot that the settings name.
func (f *front) openRegistry(ctx context.Context) (err error) {
	if f.location, f.notify, err = f.registry.parse(); err != nil {
		return err
	}
	if f.notify, err = f.notify.For(f.location); err != nil {
		return &usageError{err}
	}
	f.backend, err = f.location.Open(ctx, backend.Options{Patient: true, Logger: f.logger})
	if err != nil {
		return fmt.Errorf("%w; --registry names another one, or none", err)
	}
	if f.notifier, err = f.backend.Notifier(f.notify, f.transport, f.logger); err != nil {
		return err
	}
	if f.snapshotDir == "" || f.location.IsNone() {
		return nil
	}
	opened, err := disk.Open(disk.Config{Dir: f.snapshotDir, Logger: f.logger})
	if err != nil {
		return fmt.Errorf("%w; --snapshot-dir names another directory, or none when it is empty", err)
	}
	f.snapshot = opened
	return nil
}

// serve serves on the listeners until ctx ends.
func (f *front) serve(ctx context.Context) (err error) {
	client := runtime.NewClient(f.transport, runtime.ClientConfig{
		Timeout: f.timeouts.Call, Batching: f.batching, Logger: f.logger,
	})
	defer func() { err = errors.Join(err, closeWithin(f.server.StopTimeout, client.Close)) }()
	apis, err := f.apis(client)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeWithin(f.server.StopTimeout, apis.Close)) }()
	handler, err := f.handler(client, apis)
	if err != nil {
		return err
	}
	if f.admin != nil {
		admin, stopMetrics, err := withMetrics(apis, client)
		if err != nil {
			return err
		}
		stop := f.serveAdmin(admin)
		defer func() { err = errors.Join(err, stop(), closeWithin(f.server.StopTimeout, stopMetrics)) }()
	}
	return handler.Serve(ctx, f.listener, f.server)
}

// apis finds the APIs that the gateway serves.
func (f *front) apis(caller runtime.Caller) (*catalog.Catalog, error) {
	config := catalog.Config{
		Workers:   catalog.WorkersOf(caller, f.transport),
		Transport: f.transport,
		Notifier:  f.notifier,
		Snapshot:  f.snapshot,
		JSON:      f.json,
		Follow:    f.follow,
		Logger:    f.logger,
	}
	if f.backend != nil {
		config.Store = f.backend.Store
	}
	return catalog.New(config)
}

func (f *front) handler(caller runtime.Caller, apis *catalog.Catalog) (*gateway.Gateway, error) {
	config := f.config(caller)
	config.Sources, config.State = []gateway.Source{apis}, f.transport.State
	if f.backend != nil && f.backend.Store != nil {
		config.Registry = apis.Health
	}
	return gateway.New(config)
}

// config is what the settings say of the gateway: its fronts and filters, and how
// it works.
func (f *front) config(caller runtime.Caller) gateway.Config {
	return gateway.Config{
		Caller: caller,
		Fronts: []gateway.Front{form.New()},
		Filters: []gateway.Filter{
			limit.InFlight(f.inFlightPerAPI),
			defaultresponse.New(),
			disabled.New(),
		},
		JSON:           f.json,
		Timeouts:       f.timeouts,
		Limits:         f.limits,
		ForwardHeaders: f.forwardHeaders,
		Logger:         f.logger,
	}
}

// serveAdmin serves the operators' listener until stop is called.
func (f *front) serveAdmin(handler http.Handler) (stop func() error) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: f.server.HeaderTimeout,
		WriteTimeout:      f.timeouts.Write,
		IdleTimeout:       f.server.IdleTimeout,
		ErrorLog:          slog.NewLogLogger(f.logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(f.admin) }()
	return func() error {
		err := closeWithin(f.server.StopTimeout, server.Shutdown)
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("serving on %s: %w", f.admin.Addr(), ended))
		}
		return err
	}
}

// close ends what has been opened. Closing a listener twice does no harm.
func (f *front) close() error {
	_ = f.listener.Close()
	if f.admin != nil {
		_ = f.admin.Close()
	}
	var errs []error
	if f.backend != nil {
		errs = append(errs, f.backend.Close())
	}
	if f.transport != nil {
		errs = append(errs, closeWithin(f.server.StopTimeout, f.transport.Close))
	}
	return errors.Join(errs...)
}

// addressOf is the address of a listener, "" for none.
func addressOf(listener net.Listener) string {
	if listener == nil {
		return ""
	}
	return listener.Addr().String()
}
