// Package cli is the command line mqrpc, and the only place that chooses the
// transport and the registry's backends.
//
//	cli.go                Main and the root command
//	exit.go               exit codes, and how errors are shown
//	option.go             one setting as flag, environment variable and YAML key
//	load.go               their values, by precedence
//	print.go              the effective configuration, without secrets
//	settings.go           the settings of a gateway
//	broker.go             ... of them, how RabbitMQ is reached
//	registry_settings.go  ... and which registry is used
//	log.go                the logger that the settings ask for; log_writer.go for
//	                      what gathers its lines
//	gateway.go            mqrpc gateway; front.go for what it is made of
//	bus.go                the connection of a command that makes calls and ends
//	call.go               mqrpc call; codec.go for request and response as text,
//	                      call_verbose.go for what -v shows
//	list.go               mqrpc list; list_rows.go for what workers and the
//	                      registry say together
//	describe.go           mqrpc describe; contract_flags.go for where contracts
//	                      come from
//	api.go                mqrpc api: the registry and its publisher, for all of
//	                      api_push.go, api_read.go, api_change.go, api_policy.go
//	demo.go               mqrpc demo; demo_memory.go and demo_amqp.go for its
//	                      workers, demo_call.go for its first call,
//	                      demo_worker.go for the hidden command that is one
//	                      worker
//	version.go            mqrpc version
//
// Below are contract (descriptors from files and workers, and their text),
// workers (who announces itself) and backend (the registry that a URL names).
package cli
