// Package form is the front POST /gateway: four parameters name what is called
// and hold the request message as JSON, and the response message comes back as
// JSON.
//
// The parameters module, version, method and bizContent come as
// application/x-www-form-urlencoded, or as application/json with the same names.
// bizContent is the request message as JSON; in a JSON body it is the object
// itself, or a string that holds it. Parameters with other names are ignored;
// one of these four that stands twice is an error.
//
// X-Mqrpc-Timeout, for example "500ms", shortens the time that the caller waits.
// It counts from the arrival of the request's headers. Metadata of the response
// that begins with "mqrpc-" comes back as headers that begin with "X-Mqrpc-".
// Errors look as [gateway.Gateway.WriteError] writes them.
//
//	form.go         the HTTP request and its response
//	params.go       the four parameters, and what may be wrong with them
//	decode_form.go  ... read from a form
//	decode_json.go  ... read from JSON
package form
