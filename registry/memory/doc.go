// Package memory is a registry in memory, store and notifier in one, for tests
// and for gateways whose workers describe themselves. Nothing outlives the
// process.
package memory
