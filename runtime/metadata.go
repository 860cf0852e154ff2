package runtime

import (
	"context"
	"maps"
	"strings"
)

// Metadata travels beside a request or a response, as headers do in HTTP.
//
// Keys are lower case; [Metadata.Set] makes them so. Values are text in UTF-8:
// encode bytes as base64. Keys that begin with "mqrpc-" say who calls behind a
// gateway; a worker drops them unless it trusts the sender's account, see
// WorkerConfig.Gateways.
type Metadata map[string]string

// Get returns the value of a key in any case, or "".
func (m Metadata) Get(key string) string { return m[strings.ToLower(key)] }

// Set sets the value of a key in any case.
func (m Metadata) Set(key, value string) { m[strings.ToLower(key)] = value }

// reservedMetadata begins the keys that say who calls.
const reservedMetadata = "mqrpc-"

type outgoingKey struct{}

// WithMetadata returns a context whose calls carry the key and value, besides
// those that it carries already.
func WithMetadata(ctx context.Context, key, value string) context.Context {
	extended := OutgoingMetadata(ctx)
	if extended == nil {
		extended = Metadata{}
	}
	extended.Set(key, value)
	return context.WithValue(ctx, outgoingKey{}, extended)
}

// OutgoingMetadata returns a copy of the metadata that the context's calls
// carry, nil for none.
func OutgoingMetadata(ctx context.Context) Metadata {
	metadata, _ := ctx.Value(outgoingKey{}).(Metadata)
	return maps.Clone(metadata)
}

type incomingKey struct{}

// CallFromContext returns the call that a handler is answering: its method, its
// metadata, whether it was delivered before. It is nil outside a handler.
func CallFromContext(ctx context.Context) *Call {
	if in, ok := ctx.Value(incomingKey{}).(*handlerContext); ok {
		return &in.call
	}
	return nil
}

// SetReplyMetadata adds metadata to the reply of the call that a handler is
// answering; it travels with errors too. Outside a handler it does nothing. It
// must be called from the handler's own goroutine.
func SetReplyMetadata(ctx context.Context, key, value string) {
	if in, ok := ctx.Value(incomingKey{}).(*handlerContext); ok {
		in.setReply(key, value)
	}
}
