package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2/maybe"
)

// lockRetry is the time between two tries to take a lock.
const lockRetry = 10 * time.Millisecond

// lock takes the lock of a directory, which is a file in it, and returns how to
// give it back. The lock is also given back when the process dies; a process that
// has it and stands still is waited for only so long. It guards against processes
// and against goroutines, since each opens the file anew.
func lock(directory string, patience time.Duration) (unlock func(), err error) {
	file := flock.New(filepath.Join(directory, lockName))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := file.TryLockContext(ctx, lockRetry); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", directory, err), file.Close())
	}
	return func() { _ = file.Close() }, nil // closing gives the lock back
}

// writeFile puts a file in place of what is there: after a crash there is the
// old one or the new one, whole. The directory is locked.
func writeFile(path string, content []byte) error {
	if err := maybe.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// removeFile removes a file, if it is there, for good.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes what was renamed or removed in a directory durable, which
// renameio leaves to its callers.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = directory.Close() }()
	return directory.Sync()
}
