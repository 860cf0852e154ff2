// Command conformance lets protobuf's conformance suite test package transcode.
//
// The suite's runner starts it and exchanges requests and responses with it on
// standard input and output, each a message of conformance.proto after its
// length in four bytes, little end first:
//
//	conformance_test_runner --enforce_recommended conformance
//
// JSON becomes protobuf by AppendWire and protobuf becomes JSON by AppendJSON;
// cases from JSON to JSON go through both. What is from protobuf to protobuf does not concern the package,
// which has no such path; dynamicpb answers it, so that the suite's binary
// tests say whether the messages of the fallback are right. Text format, and
// messages that it does not know (those of a newer suite), are skipped.
//
// At the end it says on standard error how many cases there were, and how many
// of them took the package's fallback.
package main

import (
	"fmt"
	"os"
)

func main() {
	tested, err := newTestee()
	if err == nil {
		err = serve(os.Stdin, os.Stdout, tested)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, tested.counts)
}
