package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/transcode"
)

// The defaults of a [Config].
const (
	DefaultCallTimeout      = 12 * time.Second
	DefaultBodyTimeout      = 10 * time.Second
	DefaultWriteTimeout     = 10 * time.Second
	DefaultMaxBodyBytes     = 4 << 20
	DefaultMaxInFlight      = 16384
	DefaultMaxInFlightBytes = 256 << 20
)

// DefaultForwardHeaders are the headers that travel to the worker unless
// [Config] says otherwise: those of W3C Trace Context.
func DefaultForwardHeaders() []string { return []string{"traceparent", "tracestate"} }

// Config says how a [Gateway] works. Caller is required; the zero value of
// every other field is its default.
type Config struct {
	// Caller makes the calls. Usually a [*runtime.Client]. Required.
	Caller runtime.Caller
	// Sources are asked for routes, in their order. Without one, every module
	// is unknown.
	Sources []Source
	// Fronts are the protocols in which callers reach the gateway. Without one
	// it answers health checks only.
	Fronts []Front
	// Filters are the steps between fronts and calls. They run in the order of
	// their stages, and within a stage in this order.
	Filters []Filter
	// State is the state of the broker's connection, which readiness follows.
	// Usually the State method of a [transport.Transport]. Nil: always connected.
	State func() transport.State
	// Registry is how the registry behind the sources gets on, for the body of
	// /readyz. Usually the Health method of a catalog. Nil: there is none.
	Registry func() catalog.RegistryHealth
	// JSON says how messages are read and written, and how deeply they may be
	// nested. A source's API may bring a Resolver of its own. The JSON of a reply
	// has 64 MiB at most unless MaxJSON says otherwise.
	JSON transcode.Options
	// Timeouts bound the steps of a request.
	Timeouts Timeouts
	// Limits bound what requests may use.
	Limits Limits
	// ForwardHeaders names the request headers that travel to the worker as
	// metadata of the same name in lower case. Nil: DefaultForwardHeaders;
	// empty: none. Name Authorization here if workers are to see it.
	ForwardHeaders []string
	// Middleware wraps every request, the first outermost. It runs inside the
	// gateway's own: the request has its id, is logged, and panics are caught.
	// It must call the next handler in its own goroutine.
	Middleware []Middleware
	// Logger takes the access log and what else is to be known. Bodies and
	// headers are never logged. Nil: slog.Default().
	Logger *slog.Logger
}

// Timeouts bound the steps of a request. Zero means the default; none can be
// switched off.
type Timeouts struct {
	// Call is how long a call may take whose method has no timeout of its own.
	// Default: DefaultCallTimeout.
	Call time.Duration
	// Body is how long the client may take to send the body. Default:
	// DefaultBodyTimeout.
	Body time.Duration
	// Write is how long the client may take to receive the response. Default:
	// DefaultWriteTimeout.
	Write time.Duration
}

// Limits bound what requests may use. Zero means the default; none can be
// switched off.
type Limits struct {
	// BodyBytes is the greatest size of a request's body. Default:
	// DefaultMaxBodyBytes.
	BodyBytes int64
	// InFlight is the greatest number of requests at a time, those that still
	// send their body among them. Further ones get 503 at once. Default:
	// DefaultMaxInFlight.
	InFlight int
	// InFlightBytes is the greatest size of the bodies and responses of all
	// requests at a time, as far as they have arrived. While there are as many,
	// further bodies are refused with 503. What the gateway works in is a small
	// multiple of it. Default: DefaultMaxInFlightBytes.
	InFlightBytes int64
}

// withDefaults returns the configuration with every default filled in.
func (c Config) withDefaults() (Config, error) {
	if c.Caller == nil {
		return c, errors.New("gateway: Config.Caller is missing")
	}
	if c.State == nil {
		c.State = func() transport.State { return transport.State{Connected: true} }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.ForwardHeaders == nil {
		c.ForwardHeaders = DefaultForwardHeaders()
	}
	for _, header := range c.ForwardHeaders {
		if strings.HasPrefix(strings.ToLower(header), reservedMetadata) {
			return c, fmt.Errorf("gateway: header %q cannot be forwarded: metadata that begins with mqrpc- is reserved", header)
		}
	}
	return c, errors.Join(
		setDefault("Timeouts.Call", &c.Timeouts.Call, DefaultCallTimeout),
		setDefault("Timeouts.Body", &c.Timeouts.Body, DefaultBodyTimeout),
		setDefault("Timeouts.Write", &c.Timeouts.Write, DefaultWriteTimeout),
		setDefault("Limits.BodyBytes", &c.Limits.BodyBytes, DefaultMaxBodyBytes),
		setDefault("Limits.InFlight", &c.Limits.InFlight, DefaultMaxInFlight),
		setDefault("Limits.InFlightBytes", &c.Limits.InFlightBytes, DefaultMaxInFlightBytes),
	)
}

// setDefault gives a field that is zero its default, and refuses a negative one.
func setDefault[T int | int64 | time.Duration](name string, field *T, value T) error {
	if *field < 0 {
		return fmt.Errorf("gateway: %s is %v, less than zero", name, *field)
	}
	if *field == 0 {
		*field = value
	}
	return nil
}
