// Package wire is mqrpc's wire protocol in Go: the names of exchanges and
// queues, and the codec of message bodies. PROTOCOL.md is its specification,
// testdata/vectors.json shows every kind of message, for all languages.
//
//   - names.go: exchanges, queues and types of messages
//   - codec.go: calls and replies, and the batches that carry them
//   - fields.go: the protobuf fields that these are made of
package wire
