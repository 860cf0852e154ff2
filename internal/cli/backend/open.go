package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/etcd"
	"github.com/mqrpc/mqrpc/registry/sql"
	"github.com/mqrpc/mqrpc/registry/zookeeper"
)

// Options say how a registry is opened.
type Options struct {
	// Patient opens a registry that is down, too: it is tried again with every
	// operation. Without it, opening may fail with registry.ErrUnavailable.
	Patient bool
	// Logger takes what happens to connections. Required.
	Logger *slog.Logger
}

// Backend is an opened registry.
type Backend struct {
	// Store holds the APIs; nil for none.
	Store registry.Store

	location Location
	watching registry.Notifier // the store's own notifier; nil for none
	opened   []registry.Notifier
}

// Open opens the registry.
func (l Location) Open(ctx context.Context, options Options) (*Backend, error) {
	backend := &Backend{location: l}
	switch l.kind {
	case kindNone:
		return backend, nil
	case kindZooKeeper:
		opened, err := zookeeper.Open(zookeeper.Config{
			Servers: l.servers, Root: l.path, Username: l.username, Password: l.password, Logger: options.Logger,
		})
		if err != nil {
			return nil, err
		}
		backend.Store, backend.watching = opened, opened
		return backend, nil
	case kindEtcd, kindEtcdTLS:
		opened, err := l.openEtcd(options.Logger)
		if err != nil {
			return nil, err
		}
		backend.Store, backend.watching = opened, opened
		return backend, nil
	default:
		store, err := l.openSQL(ctx)
		if options.Patient && errors.Is(err, registry.ErrUnavailable) {
			options.Logger.Warn("the registry is unavailable; trying again when it is needed", "registry", l.String(), "error", err)
			backend.Store = newPatientStore(l.openSQL)
			return backend, nil
		}
		if err != nil {
			return nil, err
		}
		backend.Store = store
		return backend, nil
	}
}

func (l Location) openSQL(ctx context.Context) (registry.Store, error) {
	// Not returned at once: a nil *sql.Store would be a registry.Store.
	var store *sql.Store
	var err error
	if l.kind == kindPostgres {
		store, err = sql.OpenPostgres(ctx, sql.PostgresConfig{URL: l.url})
	} else {
		store, err = sql.OpenSQLite(ctx, sql.SQLiteConfig{Path: l.path})
	}
	if err != nil {
		return nil, err
	}
	return store, nil
}

func (l Location) openEtcd(logger *slog.Logger) (*etcd.Registry, error) {
	scheme := "http://"
	var config *tls.Config
	if l.kind == kindEtcdTLS {
		scheme, config = "https://", &tls.Config{MinVersion: tls.VersionTLS12}
	}
	endpoints := make([]string, len(l.servers))
	for i, server := range l.servers {
		endpoints[i] = scheme + server
	}
	return etcd.Open(etcd.Config{
		Endpoints: endpoints, Prefix: l.path, Username: l.username, Password: l.password, TLS: config, Logger: logger,
	})
}

// Close closes the notifiers, then the store.
func (b *Backend) Close() error {
	var errs []error
	for _, notifier := range b.opened {
		errs = append(errs, notifier.Close())
	}
	if b.Store != nil {
		errs = append(errs, b.Store.Close())
	}
	return errors.Join(errs...)
}
