package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// The exit codes of the program. That of a failed call is exitStatus plus the
// number of its google.rpc.Code, as with grpcurl.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitIncompatible
)

const exitStatus = 64

// usageError is a mistake in the command line.
type usageError struct{ cause error }

// Error is the text of the cause.
func (e *usageError) Error() string { return e.cause.Error() }

// Unwrap is the cause.
func (e *usageError) Unwrap() error { return e.cause }

// statusError is a call that failed, to be shown with all that is known of it.
type statusError struct {
	failure  *runtime.Error
	resolver transcode.Resolver // for the details
}

// Error is the text of the failure.
func (e *statusError) Error() string { return e.failure.Error() }

// Unwrap is the failure.
func (e *statusError) Unwrap() error { return e.failure }

// report tells of an error and returns the exit code for it.
func report(out io.Writer, err error) int {
	var usage *usageError
	var status *statusError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(out, "mqrpc: %v\nRun it with --help to see what it takes.\n", err)
		return exitUsage
	case errors.As(err, &status):
		status.print(out)
		return exitStatus + int(status.failure.Code())
	case errors.Is(err, registry.ErrIncompatible):
		_, _ = fmt.Fprintf(out, "mqrpc: %v\nThis API was not changed. Give the contract a new version, or use --force.\n", err)
		return exitIncompatible
	default:
		_, _ = fmt.Fprintf(out, "mqrpc: %v\n", err)
		return exitFailure
	}
}

// print shows the status as grpcurl does.
func (e *statusError) print(out io.Writer) {
	status := e.failure.Proto()
	name, _, _ := strings.Cut(strings.TrimPrefix(e.failure.Error(), "mqrpc: "), ":")
	_, _ = fmt.Fprintf(out, "ERROR:\n  Code: %s\n  Message: %s\n", name, status.GetMessage())
	if len(status.GetDetails()) == 0 {
		return
	}
	_, _ = fmt.Fprintln(out, "  Details:")
	for i, detail := range status.GetDetails() {
		_, _ = fmt.Fprintf(out, "  %d) %s\n", i+1, e.detail(detail))
	}
}

// detail is one detail as JSON; its type and bytes if the type is unknown here.
func (e *statusError) detail(detail *anypb.Any) string {
	text, err := protojson.MarshalOptions{Resolver: e.resolver}.Marshal(detail)
	if err != nil {
		return fmt.Sprintf(`{"@type":%q,"value":"%x"} (of a type that is unknown here, in hexadecimal)`, detail.GetTypeUrl(), detail.GetValue())
	}
	return indented(text, "     ")
}

// indented is JSON for people; prefix begins each line but the first.
func indented(text []byte, prefix string) string {
	var decoded json.RawMessage = text
	pretty, err := json.MarshalIndent(decoded, prefix, "  ")
	if err != nil {
		return string(text)
	}
	return string(pretty)
}
