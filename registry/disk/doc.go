// Package disk is a registry.Snapshot in a directory: the last good state of
// every API that a gateway has used.
//
// # Layout
//
//	DIR/v1/wx/wxapp@1.0-5f1b….api     one file per API, below two letters of its hash
//	DIR/v1/wx/.….api123               one that is being written, unless it is in TMPDIR
//	DIR/v1/wx/….damaged               one that could not be read, for a person to look at
//
// A file is a header, with a checksum, and the API as registry.Encode writes
// it. One file per API makes a change cost one small write however many APIs
// there are. A file's name is made of a hash of the names, and of as much of the
// names themselves as is safe, for people: no module or version, however
// hostile, leads out of the directory or meets another one on a file system
// that ignores case.
//
// # Writing
//
// A file is written, synced and renamed into its place, by google/renameio, and
// then the directory is synced: a crash leaves the old file or the new one. Several
// processes may share a directory: a lock per subdirectory, by gofrs/flock, orders
// their writes, and a state never replaces a newer one.
//
// The directory is bounded in size and age. When it is opened, and now and then
// while it is written to, the oldest files go first.
//
// # Files
//
//	snapshot.go  Snapshot: put, get, list
//	file.go      the format of a file, and its name
//	write.go     writing a file atomically, by one writer at a time
//	sweep.go     keeping to the bounds
package disk
