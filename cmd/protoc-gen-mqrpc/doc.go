// Protoc-gen-mqrpc is a plugin of protoc and buf that generates Go code for
// mqrpc services.
//
// For every file with at least one service that carries the option
// (mqrpc.v1.service) it writes a file <name>.mqrpc.go into the package that
// protoc-gen-go writes to. For other files and other services it writes
// nothing.
//
// # Use
//
//	protoc --go_out=. --mqrpc_out=. wxapp/v1/wxapp.proto
//
// or, in buf.gen.yaml,
//
//	plugins:
//	  - local: protoc-gen-go
//	    out: .
//	  - local: protoc-gen-mqrpc
//	    out: .
//	    strategy: all
//
// With "strategy: all" the plugin sees all files at once, and so finds services
// that clash although they stand in different folders.
//
// The parameters are those of protoc-gen-go: paths=import,
// paths=source_relative, module=PREFIX, M<file>=<import path>. There are no
// others.
//
// # What is generated
//
// For a service X:
//
//   - XServer, the interface that a worker implements, UnimplementedXServer to
//     embed in implementations, and RegisterXServer;
//   - XClient, the interface that callers use, and NewXClient;
//   - X_Service, a [runtime.Service]: the routing table.
//
// The names are those that protoc-gen-go-grpc gives its own; a service that is
// to have both kinds of code needs two .proto files in two packages.
//
// The code is thin: what it does when it runs is in the package runtime.
//
// # How it works
//
// The request goes through three stages. Reading (contract.go) turns each service
// into a struct that holds its options, as package contract reads them for
// everybody, and all names that are generated from it (names.go), and notes
// problems. Checking (clash.go,
// gonames.go) compares the services with one another and with the messages.
// Emitting (generate.go) writes a file by one small function for each part:
// header.go, server.go, client.go, routes.go. With any problem nothing is
// emitted; all problems are reported together, each with its file, line and
// column (problem.go).
//
// The output depends on the request and the plugin's released version alone.
package main
