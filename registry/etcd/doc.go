// Package etcd is a registry in etcd 3.4 or later, which holds the metadata
// itself and says what has changed.
//
// Below the configured prefix there are three keys for every change, where N is
// the sequence in 20 digits:
//
//	heads/<module>,<version>                 the current record, in JSON
//	changes/<module>,<version>/<N>           the record of each change
//	contents/<module>,<version>/<N>/<id>/<i> the contents of the change, in parts
//
// A comma separates module and version since it sorts before all that names may
// hold: keys then have the order of contract.Key.Compare.
//
// A save is one transaction, which compares the head's revision. Contents of
// more than one part, which would exceed the limit of a transaction (1.5 MiB by
// default), are written before it; what an attempt that lost has written is
// deleted, at the latest with the change of its number.
//
// A watch is one of etcd's, over all heads, from a known revision on. The client
// resumes it where it was after every lost connection. When etcd has compacted
// what it would need for that, the watch begins anew, and says that news may
// have been lost.
//
// The files:
//
//	config.go    Config
//	registry.go  Registry: open, close, one call of the server
//	keys.go      the names of keys
//	saving.go    Save, and forgetting old changes
//	loading.go   Load, LoadAt, Heads, List, History
//	watch.go     Watch
//	following.go the loop behind all watches
package etcd
