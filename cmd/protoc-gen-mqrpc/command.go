package main

import (
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

const usage = `protoc-gen-mqrpc generates Go code for mqrpc services.

It is a plugin: protoc and buf run it, and it reads their request from standard
input. Put it on the PATH and run one of

  protoc --go_out=. --mqrpc_out=. path/to/file.proto
  buf generate    (with "- local: protoc-gen-mqrpc" under plugins in buf.gen.yaml)

Parameters (--mqrpc_opt=, or opt: in buf.gen.yaml) are those of protoc-gen-go:
  paths=import|source_relative   where the files go
  module=PREFIX                  the module prefix to strip from paths
  M<file>=<import path>          the Go import path of a .proto file

Flags:
  --version   print the version
  --help      print this text
`

// The exit statuses, as protoc's own.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// command is the plugin as a process.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run does what the arguments say and returns the exit status.
func (c command) run(args []string) int {
	switch {
	case len(args) == 0 && isTerminal(c.stdin):
		fmt.Fprint(c.stderr, usage)
		return exitUsage
	case len(args) == 0:
		return c.serve()
	case args[0] == "--version" || args[0] == "-version":
		fmt.Fprintln(c.stdout, "protoc-gen-mqrpc", buildVersion())
		return exitOK
	case args[0] == "--help" || args[0] == "-help" || args[0] == "-h":
		fmt.Fprint(c.stdout, usage)
		return exitOK
	default:
		fmt.Fprintf(c.stderr, "protoc-gen-mqrpc: unknown argument %q\n\n%s", args[0], usage)
		return exitUsage
	}
}

// serve answers one request. Problems of the .proto files are part of the
// response, as the plugin protocol asks; what serve itself reports is a broken
// protocol.
func (c command) serve() int {
	if err := c.answer(); err != nil {
		fmt.Fprintln(c.stderr, "protoc-gen-mqrpc:", err)
		return exitError
	}
	return exitOK
}

func (c command) answer() error {
	input, err := io.ReadAll(c.stdin)
	if err != nil {
		return fmt.Errorf("cannot read the request: %w", err)
	}
	request := &pluginpb.CodeGeneratorRequest{}
	if err := proto.Unmarshal(input, request); err != nil {
		return fmt.Errorf("standard input is not a request of protoc or buf (see --help): %w", err)
	}
	if len(request.GetFileToGenerate()) == 0 {
		return fmt.Errorf("the request on standard input names no file to generate (see --help)")
	}
	output, err := proto.Marshal(respond(request, releaseVersion()))
	if err != nil {
		return fmt.Errorf("cannot encode the response: %w", err)
	}
	if _, err := c.stdout.Write(output); err != nil {
		return fmt.Errorf("cannot write the response: %w", err)
	}
	return nil
}

// isTerminal reports whether nobody has redirected the input.
func isTerminal(input io.Reader) bool {
	file, ok := input.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
