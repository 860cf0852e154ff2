package cli

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
)

// showRequest tells what is called, with --verbose.
func (c *call) showRequest(api *contract.Contract, method *runtime.Method, metadata runtime.Metadata) {
	if !c.verbose {
		return
	}
	_, _ = fmt.Fprintf(c.errOut, "Method: %s\nRequest: %s\nResponse: %s\nRevision: %s\n", method,
		method.Request.ProtoReflect().Descriptor().FullName(), method.Response.ProtoReflect().Descriptor().FullName(), api.Revision)
	c.showMetadata("Request", metadata)
}

func (c *call) showMetadata(of string, metadata runtime.Metadata) {
	_, _ = fmt.Fprintf(c.errOut, "%s metadata:\n", of)
	if len(metadata) == 0 {
		_, _ = fmt.Fprintln(c.errOut, "  (none)")
	}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		_, _ = fmt.Fprintf(c.errOut, "  %s: %s\n", name, metadata[name])
	}
}

// showTiming tells where the time went, with --verbose. reply is nil if the call
// failed.
func (c *call) showTiming(took time.Duration, reply *runtime.Reply) {
	if !c.verbose {
		return
	}
	if reply == nil {
		_, _ = fmt.Fprintf(c.errOut, "Time: %s\n", took)
		return
	}
	c.showMetadata("Response", reply.Metadata)
	_, _ = fmt.Fprintf(c.errOut, "Instance: %s\nTime: %s (waited in the worker %s, handled %s, on the way %s)\n",
		reply.Instance, took, reply.Waited, reply.Handled, max(0, took-reply.Waited-reply.Handled))
}
