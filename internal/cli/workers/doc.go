// Package workers finds the workers that run, by what they announce of
// themselves.
package workers
