// Package workers finds the workers that run, by what they claim to
// serve.
package workers
