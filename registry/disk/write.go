package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile puts a file in place of what is there: after a crash there is the
// old one or the new one, whole. The directory is locked.
func writeFile(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+tempSuffix)
	if err != nil {
		return err
	}
	err = func() error {
		if _, err := temporary.Write(content); err != nil {
			return err
		}
		return temporary.Sync()
	}()
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
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

// syncDirectory makes what was renamed or removed in a directory durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = directory.Close() }()
	return directory.Sync()
}
