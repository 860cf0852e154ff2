//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package disk

import "sync"

var process sync.Mutex

// lock orders the writers of this process only: where it is used, processes
// must not share a directory.
func lock(string) (unlock func(), err error) {
	process.Lock()
	return process.Unlock, nil
}
