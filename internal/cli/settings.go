package cli

import (
	"path/filepath"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/filter/limit"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// settings are what mqrpc gateway can be told.
type settings struct {
	listen      string
	adminListen string
	broker      brokerSettings
	registry    registrySettings
	follow      catalog.Follow
	snapshotDir string
	log         logSettings

	batching       runtime.Batching
	timeouts       gateway.Timeouts
	limits         gateway.Limits
	inFlightPerAPI int
	server         gateway.ServerConfig
	json           transcode.Options
	forwardHeaders []string
}

// defaultSettings are those of a gateway beside its broker, which keeps what it
// must in the user's directory for that.
func defaultSettings(environ func() []string) *settings {
	s := &settings{
		listen:      ":8080",
		adminListen: "127.0.0.1:8081",
		broker:      defaultBroker(),
		registry:    defaultRegistry(environ),
		follow:      catalog.Follow{PollInterval: catalog.DefaultPollInterval},
		log:         logSettings{level: "info", format: "text"},
		batching: runtime.Batching{
			MaxEntries: runtime.DefaultBatchEntries,
			MaxBytes:   runtime.DefaultBatchBytes,
			Linger:     runtime.DefaultBatchLinger,
		},
		timeouts: gateway.Timeouts{
			Call:  gateway.DefaultCallTimeout,
			Body:  gateway.DefaultBodyTimeout,
			Write: gateway.DefaultWriteTimeout,
		},
		limits: gateway.Limits{
			BodyBytes:     gateway.DefaultMaxBodyBytes,
			InFlight:      gateway.DefaultMaxInFlight,
			InFlightBytes: gateway.DefaultMaxInFlightBytes,
		},
		inFlightPerAPI: limit.DefaultInFlight,
		server: gateway.ServerConfig{
			HeaderTimeout:  gateway.DefaultHeaderTimeout,
			IdleTimeout:    gateway.DefaultIdleTimeout,
			MaxHeaderBytes: gateway.DefaultMaxHeaderBytes,
			StopTimeout:    gateway.DefaultStopTimeout,
		},
		json:           transcode.Options{MaxDepth: transcode.DefaultMaxDepth},
		forwardHeaders: gateway.DefaultForwardHeaders(),
	}
	if dir := stateDir(environ()); dir != "" {
		s.snapshotDir = filepath.Join(dir, "snapshot")
	}
	return s
}

// options is the table of all settings.
func (s *settings) options() []option {
	options := []option{
		{name: "listen", value: &s.listen, usage: "address to listen on"},
		{name: "admin-listen", value: &s.adminListen, usage: "address for GET /apis and GET /metrics, which are for operators alone; empty: none"},
	}
	options = append(options, s.broker.options()...)
	options = append(options, s.registry.options()...)
	options = append(options,
		option{name: "poll-interval", value: &s.follow.PollInterval, usage: "time between two comparisons with the registry, under every way of notification"},
		option{name: "snapshot-dir", value: &s.snapshotDir, usage: "directory of the last good states, for a start while the registry is down; empty: none"},
	)
	return append(options, []option{
		{name: "timeout", value: &s.timeouts.Call, usage: "time of a call whose method has none of its own"},
		{name: "body-timeout", value: &s.timeouts.Body, usage: "time that a client may take to send a body"},
		{name: "write-timeout", value: &s.timeouts.Write, usage: "time that a client may take to receive a response"},
		{name: "header-timeout", value: &s.server.HeaderTimeout, usage: "time that a client may take to send the headers"},
		{name: "idle-timeout", value: &s.server.IdleTimeout, usage: "time that a connection is kept between requests"},
		{name: "drain-time", value: &s.server.DrainTime, zero: true, usage: "time between the end of /readyz and of the listener, at a stop"},
		{name: "stop-timeout", value: &s.server.StopTimeout, usage: "time that requests under way may take at a stop"},

		{name: "max-body-bytes", value: &s.limits.BodyBytes, usage: "size of the largest body"},
		{name: "max-header-bytes", value: &s.server.MaxHeaderBytes, usage: "size of the largest headers"},
		{name: "max-json-depth", value: &s.json.MaxDepth, usage: "how deeply JSON may be nested"},
		{name: "max-in-flight", value: &s.limits.InFlight, usage: "number of requests at a time"},
		{name: "max-in-flight-per-api", value: &s.inFlightPerAPI, usage: "number of calls at a time for each (module, version)"},
		{name: "max-in-flight-bytes", value: &s.limits.InFlightBytes, usage: "size of the bodies and responses of all requests at a time"},

		{name: "batch-calls", value: &s.batching.MaxEntries, usage: "number of calls that may share a message, at most 1024; 1: batching is off"},
		{name: "batch-bytes", value: &s.batching.MaxBytes, usage: "size of a message to which no call is added"},
		{name: "batch-linger", value: &s.batching.Linger, usage: "time for which a call may wait for others to share its message"},

		{name: "forward-headers", value: &s.forwardHeaders, usage: "request headers that travel to the worker as metadata"},
		{name: "discard-unknown", value: &s.json.DiscardUnknown, usage: "ignore unknown fields in requests instead of refusing them"},
		{name: "emit-unpopulated", value: &s.json.EmitUnpopulated, usage: "write fields that are not set in responses"},
		{name: "use-proto-names", value: &s.json.UseProtoNames, usage: "write fields by their names in the .proto file in responses"},
		{name: "use-enum-numbers", value: &s.json.UseEnumNumbers, usage: "write enum values as numbers in responses"},

		{name: "log-level", value: &s.log.level, usage: "debug, info, warn or error"},
		{name: "log-format", value: &s.log.format, usage: "text or json"},
	}...)
}
