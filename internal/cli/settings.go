package cli

import (
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/transcode"
)

// settings are what mqrpc gateway can be told.
type settings struct {
	listen string
	broker brokerSettings
	log    logSettings

	timeouts       gateway.Timeouts
	limits         gateway.Limits
	server         gateway.ServerConfig
	json           transcode.Options
	forwardHeaders []string
}

// defaultSettings are those of a gateway beside its broker.
func defaultSettings() *settings {
	return &settings{
		listen: ":8080",
		broker: defaultBroker(),
		log:    logSettings{level: "info", format: "text"},
		timeouts: gateway.Timeouts{
			Call:  gateway.DefaultCallTimeout,
			Body:  gateway.DefaultBodyTimeout,
			Write: gateway.DefaultWriteTimeout,
		},
		limits: gateway.Limits{
			BodyBytes:      gateway.DefaultMaxBodyBytes,
			InFlight:       gateway.DefaultMaxInFlight,
			InFlightPerAPI: gateway.DefaultMaxInFlightPerAPI,
		},
		server: gateway.ServerConfig{
			HeaderTimeout:  gateway.DefaultHeaderTimeout,
			IdleTimeout:    gateway.DefaultIdleTimeout,
			MaxHeaderBytes: gateway.DefaultMaxHeaderBytes,
			StopTimeout:    gateway.DefaultStopTimeout,
		},
		json:           transcode.Options{MaxDepth: transcode.DefaultMaxDepth},
		forwardHeaders: gateway.DefaultForwardHeaders(),
	}
}

// options is the table of all settings.
func (s *settings) options() []option {
	options := []option{{name: "listen", value: &s.listen, usage: "address to listen on"}}
	options = append(options, s.broker.options()...)
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
		{name: "max-in-flight", value: &s.limits.InFlight, usage: "number of calls at a time"},
		{name: "max-in-flight-per-api", value: &s.limits.InFlightPerAPI, usage: "number of calls at a time for each (module, version)"},

		{name: "forward-headers", value: &s.forwardHeaders, usage: "request headers that travel to the worker as metadata"},
		{name: "discard-unknown", value: &s.json.DiscardUnknown, usage: "ignore unknown fields in requests instead of refusing them"},
		{name: "emit-unpopulated", value: &s.json.EmitUnpopulated, usage: "write fields that are not set in responses"},
		{name: "use-proto-names", value: &s.json.UseProtoNames, usage: "write fields by their names in the .proto file in responses"},
		{name: "use-enum-numbers", value: &s.json.UseEnumNumbers, usage: "write enum values as numbers in responses"},

		{name: "log-level", value: &s.log.level, usage: "debug, info, warn or error"},
		{name: "log-format", value: &s.log.format, usage: "text or json"},
	}...)
}
