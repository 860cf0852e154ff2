// Package gateway is the HTTP server in front of workers: one pipeline with many
// doors.
//
//	HTTP request → front → filters → call → front → HTTP response
//
// A [Front] turns its request into a [Request], and the [Response] into its
// answer. Package form is the front POST /gateway. A [Filter] is a step between
// the fronts and the calls; those that come with mqrpc are below gateway/filter,
// a package each. No front knows a filter, and no filter a front: all that they
// share is the pipeline, [Gateway.Do]. Besides its fronts, a gateway answers
//
//	GET /healthz   200 while the process lives
//	GET /readyz    200 while calls can be made, else 503
//
// A gateway is made by [New] of a caller, sources of APIs, fronts and filters,
// and served by [Gateway.Serve], which protects it from slow clients and stops
// it gracefully; any other HTTP server will do, too.
//
// # The way of a request
//
// The front has the request admitted ([Gateway.NewRequest]), reads the body
// ([Request.ReadBody]), names what is called ([Request.Resolve]) and hands over
// the message, as JSON or as protobuf's binary encoding. From then on everything
// is known and nothing has happened. The filters run in the order of their
// stages:
//
//	record → authenticate → authorise → limit → split →
//	authorise for the target → default response → circuit → shadow → call
//
// Each encloses those after it, so each sees what becomes of the request. A
// default response stands outside the circuit: it answers what an open circuit
// refuses, and the circuit sees how the call itself has ended.
//
// JSON becomes the request message only at the call, in the contract of the API
// that is called in the end. Messages in protobuf's encoding are passed on as
// they are, both ways.
//
// # What a request may cost
//
// A call's time counts from when its request has been read. It bounds filters
// and call together, as the context that they are given; looking the API up
// before is bounded by Timeouts.Call. How long a call may take is said in several
// places, of which the last that says something wins:
//
//  1. the gateway's Timeouts.Call
//  2. the contract: option (mqrpc.v1.method).timeout
//  3. the policy's timeout for the API
//  4. the policy's timeout for the method
//
// A caller may ask for less, by its front's means. When its connection ends, the
// context does. Limits bound the number of requests under way and the bytes that
// they hold.
//
// # Every request
//
// X-Request-Id names the request; one is made up when the caller gives none. It
// comes back in the response, stands in the access log and travels to the
// worker as metadata "x-request-id". The access log has a line for every HTTP
// request, whichever front it was for and however far it came.
//
// An error, as [Gateway.WriteError] writes it, is an HTTP status, mapped from its
// code as grpc-gateway maps it, and a google.rpc.Status as JSON. Errors of the
// gateway itself, its fronts and its filters carry a google.rpc.ErrorInfo with the
// domain "mqrpc" and one of this package's reasons; so a method that is unknown
// differs from one that answers NOT_FOUND.
//
// # Files
//
//	gateway.go     New, and the handler around all fronts
//	config.go      what can be configured, with defaults
//	pipeline.go    Do: from a request through the filters to its response
//	filter.go      filters and their stages
//	request.go     a request on its way; metadata.go for what travels with it
//	body.go        reading a body within time, size and budget
//	buffers.go     the memory that a request works in
//	call.go        the call itself, inside all filters
//	response.go    how responses and errors are written
//	errors.go      the gateway's own errors; status.go for their JSON
//	withheld.go    what of an error is for the log alone
//	source.go      where APIs come from; static.go for generated tables
//	routes.go      from (module, version, method) to a compiled route
//	exchange.go    what is known of one HTTP request, for the log
//	middleware.go  the chain around every HTTP request, and its parts:
//	  requestid.go, accesslog.go, recovery.go
//	health.go      /healthz and /readyz
//	server.go      serving and stopping
package gateway
