// Package testserver gives tests a real PostgreSQL, ZooKeeper or etcd: the one
// that all tests of a run share, and private ones that a test may stop, kill and
// start again. For RabbitMQ there is package testbroker.
//
// Most tests want [Shared], and names of their own for what they make there.
// Fault tests want [Start]: these servers start within a second.
//
// The servers are run by scripts/services; see there for where they come from.
// A test that needs one has the build tag "services", and fails, never skips,
// when it cannot have it.
package testserver
