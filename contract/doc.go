// Package contract is the ground floor: what an API is called, and what its
// descriptors say. Whoever reads contracts, from the plugin to the gateway, does
// so here.
//
//	name.go      the rules of names: module, version, method
//	key.go       Key: module and version, which name an API
//	address.go   Address: wxapp/1.0/WxappManager.SessionKey, as people write it
//	revision.go  Revision, the identity of a contract's content
//	collect.go   from a program's descriptors to a file set
//	split.go     from any file set to the APIs that it declares
//	link.go      from a file set to linked descriptors
//	contract.go  Contract: one API, linked: its services and their methods
//	options.go   ... what their options say
//	find.go      ... an element of it by the name that somebody gave
//	resolver.go  ... and its types, for google.protobuf.Any and extensions
//
// Package compat, below, says what one contract breaks of another; package
// source reads contracts from .proto files and images; package printing shows
// them as text.
package contract
