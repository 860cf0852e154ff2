// Package cli is the command line mqrpc.
//
//	cli.go       Main and the root command
//	option.go    one setting as flag, environment variable and YAML key
//	load.go      their values, by precedence
//	print.go     the effective configuration, without secrets
//	settings.go  the settings of a gateway
//	log.go       the logger that the settings ask for
//	broker.go    the connection to RabbitMQ that the settings ask for
//	gateway.go   mqrpc gateway
//	demo.go      mqrpc demo; demo_memory.go and demo_amqp.go for its workers,
//	             demo_call.go for its first call, demo_worker.go for the hidden
//	             command that is one worker
//	version.go   mqrpc version
package cli
