// Package contract gives the command line the contract of an API: its services,
// its messages, and their text as it would stand in a .proto file.
//
//	address.go   wxapp/1.0/WxappManager.SessionKey, as people write it
//	files.go     descriptors from .proto files, protosets and images
//	contract.go  Contract: the services of one API, and the types around them
//	find.go      ... an element by the name that somebody gave
//	print.go     ... as text
package contract
