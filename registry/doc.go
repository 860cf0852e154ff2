// Package registry keeps the metadata of APIs: which (module, version) exist,
// with which contract, and how gateways treat them.
//
// An API is one [mqrpcv1.Api]: descriptors, the revision that identifies them,
// a policy, and a sequence that counts its changes. A deleted API is a
// tombstone: its state stays, marked as deleted, so that its sequence goes on
// should it come back.
//
// # Parts
//
// A [Store] persists the states and their history. A [Notifier] tells gateways
// that something changed. A [Follower] is the gateway's end: it loads an API on
// first use, follows what it has loaded and applies changes in order. A
// [Publisher] is the writer's end: push, roll back, enable, disable, set the
// policy, delete. A [Snapshot] keeps the last good states for the time when
// all else is down.
//
// The Follower and the Publisher hold everything that is hard, once, so that a
// backend is little more than its reads and writes. Backends are packages
// below this one; the suite in registrytest holds them to what is written at
// the interfaces.
//
// # Consistency
//
// A change is announced first and saved second, never both in one transaction.
// That is safe because a state says by itself how it relates to another one:
//
//   - A greater sequence is newer. What is older arrives late and is ignored.
//   - An equal sequence with an equal digest is the same state twice.
//   - An equal sequence with another digest means that two writers met. Then
//     the store is asked, and what it holds is true.
//   - A state that was announced and never saved is dropped for the store's,
//     once it has had [FollowerConfig.ConfirmAfter] to be saved.
//
// And whatever gets lost is found by a slow poll, which stays on under every
// notifier: every [FollowerConfig.PollInterval] one query compares the heads of
// all followed APIs with the store's.
//
// # Files
//
//	head.go           Head: a state without its contents, and the digest
//	validate.go       what a valid API is, and the limits
//	encoding.go       how stores and snapshots keep an API as bytes
//	store.go          Store
//	notifier.go       Notifier
//	snapshot.go       Snapshot
//	errors.go         the errors that all of them return
//	follower.go       Follower: configuration, life cycle
//	follower_load.go  ... the first load of an API
//	follower_apply.go ... what an event or the store says about an API
//	follower_poll.go  ... the slow poll, and the confirmation of announcements
//	publisher.go      Publisher: announce, save, report
//	operations.go     ... the changes that it can make
package registry
