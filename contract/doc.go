// Package contract is the ground floor: what an API is called, and what its
// descriptors say. Whoever reads contracts, from the plugin to the gateway, does
// so here.
//
// # Strangers
//
// A contract may come from a worker that nobody knows. So it is read in three
// steps, each of which bounds the next. [Unmarshal] looks at the encoded bytes
// and refuses what would take too much memory decoded. [Check] looks at the
// decoded files and refuses what breaks a limit, and what protobuf's linker
// would not survive. [Link] links them, within a context's deadline, and reads
// the services. All three take linear time and never panic.
//
// # One reading
//
// Everybody who reads a contract finds the same in it. Its identity is its
// [Revision]. Its files are in one order, each after its imports. Of protobuf's
// own files all programs use the edition that is built in, whatever a contract
// brings under their names.
//
// # Files
//
//	name.go      the rules of names: module, version, method
//	key.go       Key: module and version, which name an API
//	address.go   Address: wxapp/1.0/WxappManager.SessionKey, as people write it
//	revision.go  Revision, the identity of a contract's content
//	limits.go    the limits, for all who read contracts
//	unmarshal.go Unmarshal: bytes that are bounded before they are decoded
//	check.go     Check: files that are bounded before they are linked
//	link.go      from files to linked descriptors
//	contract.go  Contract: one API, linked
//	options.go   ... what its services and methods say in their options
//	find.go      ... an element of it by the name that somebody gave
//	resolver.go  ... and its types, for google.protobuf.Any and extensions
//	collect.go   from a program's descriptors to files
//	split.go     from any files to the APIs that they declare
//
// Package compat, below, says what one contract breaks of another; package
// source reads contracts from .proto files and images; package printing shows
// them as text.
package contract
