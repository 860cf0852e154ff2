package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2/maybe"
)

// lock takes the lock of a directory, which is a file in it, and returns how to
// give it back. The lock is also given back when the process dies. It guards
// against processes and against goroutines, since each opens the file anew.
func lock(directory string) (unlock func(), err error) {
	file := flock.New(filepath.Join(directory, lockName))
	if err := file.Lock(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", directory, err)
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
