// Package gateway is the HTTP front of mqrpc: an [http.Handler] that turns
// module, version, method and bizContent into a call, and the reply into JSON.
//
//	POST /gateway   a call, as a form or as a JSON body
//	GET  /healthz   200 while the process lives
//	GET  /readyz    200 while calls can be made, else 503
//
// A gateway is made by [New] of a caller and of sources of routes, and served
// by [Gateway.Serve], which protects it from slow clients and stops it
// gracefully; any other HTTP server will do, too.
//
// # A call
//
// The four parameters come as application/x-www-form-urlencoded, or as
// application/json with the same names. bizContent is the request message as
// JSON; in a JSON body it is the object itself, or a string that holds it.
// Parameters with other names are ignored. The response message comes back as
// JSON.
//
// X-Request-Id names the request; one is made up when the caller gives none. It
// comes back in the response, stands in the access log and travels to the
// worker as metadata "x-request-id". X-Mqrpc-Timeout, for example "500ms",
// shortens the time that the caller waits.
//
// # Errors
//
// An error is an HTTP status, mapped from its code as grpc-gateway maps it, and
// a google.rpc.Status as JSON. Errors of the gateway itself carry a
// google.rpc.ErrorInfo with the domain "mqrpc" and one of this package's
// reasons; so a method that is unknown differs from one that answers NOT_FOUND.
//
// # Policy
//
// An [API] may have a policy, and then it may be disabled, and have default
// responses: what is answered, with 200 and the header X-Mqrpc-Default-Response,
// when a method is disabled, no worker serves the API, or the time has passed.
//
// How long a call may take is said in several places, of which the last that
// says something wins:
//
//  1. the gateway's Timeouts.Call
//  2. the contract: option (mqrpc.v1.method).timeout
//  3. the policy's timeout for the API
//  4. the policy's timeout for the method
//
// The header X-Mqrpc-Timeout makes that shorter, never longer, and counts from
// the request's arrival: the time that it takes to load an API is part of it.
//
// # Files
//
// One stage of the way that a request takes is one file:
//
//	gateway.go     New, the handler, the call from end to end
//	config.go      what can be configured, with defaults
//	middleware.go  the chain around every request, and its parts:
//	  requestid.go, accesslog.go, recovery.go, inflight.go
//	request.go     the parameters of a call; request_form.go, request_json.go
//	buffers.go     the memory that a call works in, and whose it is
//	source.go      where routes come from; static.go for generated tables
//	routes.go      from (module, version, method) to a compiled route
//	policy.go      what a policy says about a route; default responses
//	dispatch.go    the call itself: time, metadata, limits
//	response.go    how responses are written
//	errors.go      the gateway's own errors; status.go for their JSON
//	health.go      /healthz and /readyz
//	server.go      serving and stopping; deadline.go
package gateway
