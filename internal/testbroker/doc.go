// Package testbroker gives tests a real RabbitMQ: the one that all tests of a
// run share, and private ones that a test may stop, kill, block and start
// again.
//
// Most tests want [Shared], and names of their own for what they declare on it.
// Fault tests want [Start], or [Lazy] for one private broker per test binary,
// since a broker takes some seconds to start.
//
// The brokers are run by scripts/services; see there for where they come from.
// A test that needs one has the build tag "services", and fails, never skips,
// when it cannot have it.
package testbroker
