package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tempAge is the age at which a file that is being written is an orphan.
const tempAge = time.Hour

// kept is a file of the snapshot.
type kept struct {
	path    string
	size    int64
	changed time.Time
}

func (k kept) state() bool { return strings.HasSuffix(k.path, stateSuffix) }

// files lists the snapshot's files, the oldest first.
func (s *Snapshot) files() ([]kept, error) {
	var files []kept
	err := filepath.WalkDir(s.root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process has removed it
		}
		if err != nil || !entry.Type().IsRegular() || entry.Name() == lockName {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			files = append(files, kept{path: path, size: info.Size(), changed: info.ModTime()})
		}
		return err
	})
	slices.SortFunc(files, func(a, b kept) int { return a.changed.Compare(b.changed) })
	return files, err
}

// sweep removes what is too old, orphans, and the oldest files of all that are
// too many. Other processes may do the same at the same time.
func (s *Snapshot) sweep() error {
	files, err := s.files()
	if err != nil {
		return err
	}
	var size int64
	for _, file := range files {
		size += file.size
	}
	for _, file := range files {
		age := time.Since(file.changed)
		orphan := strings.HasPrefix(filepath.Base(file.path), hiddenPrefix) && age > tempAge
		if !orphan && age <= s.maxAge && size <= s.maxBytes {
			continue
		}
		if err := os.Remove(file.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		size -= file.size
	}
	return nil
}
