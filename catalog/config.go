package catalog

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/transcode"
)

// Config says where APIs are looked for and what may be kept of them. Every
// part may be left out: its place is then passed over. The zero value of every
// field is its default.
type Config struct {
	// Static are the services that are compiled in. They are served as they
	// are, never dropped, and take their policy from the registry.
	Static []*runtime.Service
	// Workers asks instances for their contracts and tells them whether these
	// are served. See [WorkersOf]. Nil: workers are not asked.
	Workers Workers
	// Transport brings what workers announce. It must be closed after the
	// catalog. Nil: nothing is heard, and an API that only workers know keeps
	// the revision that it was loaded with until it is dropped.
	Transport transport.Transport
	// Store holds the registry's APIs. It is not closed. Nil: there is no
	// registry.
	Store registry.Store
	// Notifier brings the news of the registry's changes. It is not closed.
	// Nil: the poll alone does.
	Notifier registry.Notifier
	// Snapshot keeps the last good states for a start while the registry is
	// down. Nil: nothing is kept.
	Snapshot registry.Snapshot
	// JSON are the options of the gateway that serves the APIs. Policies'
	// default responses are checked with them.
	JSON transcode.Options
	// Follow configures the following of the registry.
	Follow Follow
	// Limits bound what is kept and what is asked.
	Limits Limits
	// StepTimeout bounds each step of looking an API up: asking the store,
	// asking a worker. Default: DefaultStepTimeout.
	StepTimeout time.Duration
	// IdleAfter is how long an API is kept that nobody calls. Default:
	// DefaultIdleAfter.
	IdleAfter time.Duration
	// UnknownFor is how long an API is taken for unknown that was not found, at
	// most MaxUnknownFor. Default: DefaultUnknownFor.
	UnknownFor time.Duration
	// Changed is told what comes into effect: for one API one call at a time,
	// in order. It must not block. Nil: nobody is told.
	Changed func(Change)
	// Logger takes what goes wrong. Default: slog.Default().
	Logger *slog.Logger
}

// Change is what has come into effect for an API.
type Change struct {
	// Key names the API.
	Key contract.Key
	// Origin says where the contract comes from, Revision which it is. Both are
	// empty if the registry has deleted the API.
	Origin   Origin
	Revision string
	// Registry is what the registry holds of the API; zero: nothing.
	Registry registry.Head
}

// Follow configures the following of the registry. The zero values are the
// defaults.
type Follow struct {
	// PollInterval is the time between two comparisons with the store, of which
	// each takes up to a tenth more. Default: DefaultPollInterval.
	PollInterval time.Duration
	// ConfirmAfter is when an API that was loaded is compared with the store
	// once more: a change may have been announced just before and saved just
	// after. Default: DefaultConfirmAfter.
	ConfirmAfter time.Duration
	// QueryTimeout bounds every query of the store. Default:
	// DefaultQueryTimeout.
	QueryTimeout time.Duration
}

// Limits bound what is kept and what is asked. Zero means the default; none can
// be switched off.
type Limits struct {
	// Loaded is the greatest number of APIs that are kept loaded. Beyond it
	// those that were not called for the longest time go. Default:
	// DefaultMaxLoaded.
	Loaded int
	// UnknownPerSecond is how many names may be looked up in vain, on average;
	// UnknownBurst is how many at once. Beyond that, names that no worker has
	// announced are not looked up for a moment, and the answer is 503 at once.
	// Lookups that find something do not count. This also bounds how many names
	// are remembered as unknown. Defaults: DefaultUnknownPerSecond,
	// DefaultUnknownBurst.
	UnknownPerSecond, UnknownBurst int
	// Lookups is the greatest number of queries of the store for single APIs,
	// and of contracts being linked, at a time; further ones wait. Default:
	// DefaultMaxLookups.
	Lookups int
	// Instances is the greatest number of workers' instances that are kept; one
	// counts once for each API that it serves. One module may have a quarter of
	// them. Default: DefaultMaxInstances.
	Instances int
}

// The defaults of a [Config].
const (
	DefaultStepTimeout      = 2 * time.Second
	DefaultIdleAfter        = 30 * time.Minute
	DefaultUnknownFor       = 5 * time.Second
	DefaultPollInterval     = 10 * time.Minute
	DefaultConfirmAfter     = 30 * time.Second
	DefaultQueryTimeout     = 5 * time.Second
	DefaultMaxLoaded        = 200_000
	DefaultUnknownPerSecond = 100
	DefaultUnknownBurst     = 500
	DefaultMaxLookups       = 64
	DefaultMaxInstances     = 20_000
)

// MaxUnknownFor bounds [Config.UnknownFor].
const MaxUnknownFor = time.Minute

func (c Config) withDefaults() (Config, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	err := errors.Join(
		setDefault("StepTimeout", &c.StepTimeout, DefaultStepTimeout),
		setDefault("IdleAfter", &c.IdleAfter, DefaultIdleAfter),
		setDefault("UnknownFor", &c.UnknownFor, DefaultUnknownFor),
		setDefault("Follow.PollInterval", &c.Follow.PollInterval, DefaultPollInterval),
		setDefault("Follow.ConfirmAfter", &c.Follow.ConfirmAfter, DefaultConfirmAfter),
		setDefault("Follow.QueryTimeout", &c.Follow.QueryTimeout, DefaultQueryTimeout),
		setDefault("Limits.Loaded", &c.Limits.Loaded, DefaultMaxLoaded),
		setDefault("Limits.UnknownPerSecond", &c.Limits.UnknownPerSecond, DefaultUnknownPerSecond),
		setDefault("Limits.UnknownBurst", &c.Limits.UnknownBurst, DefaultUnknownBurst),
		setDefault("Limits.Lookups", &c.Limits.Lookups, DefaultMaxLookups),
		setDefault("Limits.Instances", &c.Limits.Instances, DefaultMaxInstances),
	)
	if c.UnknownFor > MaxUnknownFor {
		err = errors.Join(err, fmt.Errorf("catalog: Config.UnknownFor is %v, more than %v", c.UnknownFor, MaxUnknownFor))
	}
	return c, err
}

// setDefault gives a field that is zero its default, and refuses a negative one.
func setDefault[T int | time.Duration](name string, field *T, value T) error {
	if *field < 0 {
		return fmt.Errorf("catalog: Config.%s is %v, less than zero", name, *field)
	}
	if *field == 0 {
		*field = value
	}
	return nil
}
