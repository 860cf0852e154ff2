// Package zookeeper is a registry in ZooKeeper 3.5 or later, which holds the
// metadata itself and says what has changed.
//
// Below the configured root there are these nodes, where N is the sequence in 20
// digits:
//
//	apis/<module>/<version>                  the current record, in JSON
//	apis/<module>/<version>/<N>              the record of each change
//	contents/<module>/<version>/<N>-<id>-<i> the contents of the change, in parts
//
// No node comes near ZooKeeper's limit of 1 MiB: contents are compressed and
// split. A save is one transaction, which checks the version of the API's node.
// Contents of more than one part, which would exceed the limit of a request, are
// written before it; what an attempt that lost has written is deleted, at the
// latest with the change of its number.
//
// A read goes through the leader first (sync), so that it sees every save that
// has returned.
//
// A watch is a watch of ZooKeeper's on each followed API's node, set and set
// again before the node is read. A lost connection or session ends the link:
// the next one has a session of its own, watches all that is followed anew, and
// says that news may have been lost. Nothing relies on a session's watches being
// taken over.
//
// The files:
//
//	config.go   Config
//	registry.go Registry: open, close, one call of the server
//	link.go     one connection with one session, and its watches
//	linking.go  the loop that makes one link after the other
//	paths.go    the names of nodes
//	saving.go   Save, and forgetting old changes
//	loading.go  Load, LoadAt, Heads, List, History
//	watch.go    Watch
package zookeeper
