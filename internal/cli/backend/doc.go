// Package backend opens the registry that a URL names: the only place that
// knows all kinds of stores and notifiers.
//
//	location.go  Location: the URL of a registry, parsed
//	open.go      Backend: the opened store, and how changes are made known
//	notify.go    ... the choice of a notifier
//	patient.go   a store that is opened when it can be
package backend
