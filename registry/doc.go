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
// that something changed. A [Publisher] is the writer's end: push, roll back,
// enable, disable, set the policy, delete. A [Snapshot] keeps the last good
// states for the time when all else is down. The gateway's end is package
// catalog: it loads an API on first use, follows what it has loaded and applies
// changes in order.
//
// The catalog and the Publisher hold everything that is hard, once, so that a
// backend is little more than its reads and writes. Backends are packages
// below this one; the suite in registrytest holds them to what is written at
// the interfaces.
//
// # Consistency
//
// A change is announced first and saved second, never both in one transaction.
// That is safe because an announcement is a cue and no authority:
//
//   - It takes effect once the store is seen to hold it, which is asked at once
//     and again within a second. Then what was announced need not be read again.
//   - What the store does not hold by then is dropped.
//   - While the store does not answer, the old state stays.
//   - Of two states the one with the greater sequence is the newer. Where two
//     writers met at one sequence, what the store holds is true.
//
// And whatever gets lost is found by a slow poll, which stays on under every
// notifier: now and then one query compares the heads of all followed APIs with
// the store's.
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
//	publisher.go      Publisher: announce, save, report
//	operations.go     ... the changes that it can make
package registry
