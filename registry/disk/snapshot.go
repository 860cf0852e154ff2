package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// Config says where a snapshot is, and how much it may keep.
type Config struct {
	// Dir is the directory, which is made if it does not exist. Required.
	Dir string
	// MaxBytes bounds the size of all files together. Default 1 GiB.
	MaxBytes int64
	// MaxAge bounds the age of a file since it was put last. Default 30 days.
	MaxAge time.Duration
	// Logger takes what is found damaged. Default: slog.Default().
	Logger *slog.Logger
}

// The defaults of a [Config].
const (
	DefaultMaxBytes = 1 << 30
	DefaultMaxAge   = 30 * 24 * time.Hour
)

// How long another process's lock is waited for: by who writes, and by who reads,
// for whom callers wait.
const (
	putPatience  = 5 * time.Second
	readPatience = 100 * time.Millisecond
)

// Snapshot is a registry.Snapshot in a directory. Open it with [Open]. It holds
// nothing open between calls, so there is nothing to close.
type Snapshot struct {
	root     string
	maxBytes int64
	maxAge   time.Duration
	logger   *slog.Logger

	mu      sync.Mutex
	written int64 // bytes put since the last sweep
}

var _ registry.Snapshot = (*Snapshot)(nil)

// Open opens a snapshot and drops what is beyond its bounds.
func Open(config Config) (*Snapshot, error) {
	if config.Dir == "" {
		return nil, errors.New("open the snapshot: the directory is missing")
	}
	if config.MaxBytes < 0 || config.MaxAge < 0 {
		return nil, errors.New("open the snapshot: its bounds must not be negative")
	}
	s := &Snapshot{
		root:     filepath.Join(config.Dir, "v1"),
		maxBytes: cmp.Or(config.MaxBytes, DefaultMaxBytes),
		maxAge:   cmp.Or(config.MaxAge, DefaultMaxAge),
		logger:   cmp.Or(config.Logger, slog.Default()),
	}
	if err := os.MkdirAll(s.root, 0o750); err != nil {
		return nil, fmt.Errorf("open the snapshot: %w", err)
	}
	if err := s.sweep(); err != nil {
		return nil, fmt.Errorf("open the snapshot: %w", err)
	}
	return s, nil
}

// Put implements [registry.Snapshot]. Putting the same state again renews its
// age.
func (s *Snapshot) Put(api *mqrpcv1.Api) error {
	key := contract.KeyOf(api)
	if err := key.Check(); err != nil {
		return fmt.Errorf("snapshot: %w: %w", registry.ErrInvalid, err)
	}
	if err := s.put(key, api); err != nil {
		return fmt.Errorf("snapshot of %s: %w", key, err)
	}
	return nil
}

func (s *Snapshot) put(key contract.Key, api *mqrpcv1.Api) error {
	path := s.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	unlock, err := lock(filepath.Dir(path), putPatience)
	if err != nil {
		return err
	}
	defer unlock()

	kept, _, err := read(path, key)
	switch {
	case err != nil: // none, or a damaged one: replace it
	case kept.GetSequence() > api.GetSequence():
		return nil
	case !api.GetDeleted() && registry.HeadOf(kept) == registry.HeadOf(api):
		now := time.Now()
		return os.Chtimes(path, now, now)
	}
	if api.GetDeleted() {
		return removeFile(path)
	}
	encoded, err := encode(api)
	if err != nil {
		return err
	}
	if err := writeFile(path, encoded); err != nil {
		return err
	}
	return s.wrote(int64(len(encoded)))
}

// wrote sweeps when a good part of the bound has been written.
func (s *Snapshot) wrote(size int64) error {
	s.mu.Lock()
	s.written += size
	due := s.written > s.maxBytes/10
	if due {
		s.written = 0
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.sweep()
}

// Get implements [registry.Snapshot].
func (s *Snapshot) Get(key contract.Key) (*mqrpcv1.Api, time.Time, error) {
	if err := key.Check(); err != nil {
		return nil, time.Time{}, fmt.Errorf("snapshot: %w: %w", registry.ErrInvalid, err)
	}
	path := s.path(key)
	api, put, err := read(path, key)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && time.Since(put) > s.maxAge:
		return nil, time.Time{}, fmt.Errorf("snapshot of %s: %w", key, registry.ErrNotFound)
	case errors.Is(err, registry.ErrCorrupt):
		s.setAside(path, key, err)
		return nil, time.Time{}, fmt.Errorf("snapshot of %s: %w", key, err)
	case err != nil:
		return nil, time.Time{}, fmt.Errorf("snapshot of %s: %w", key, err)
	}
	return api, put, nil
}

// setAside takes a damaged file out of the way. It stays for a person to look
// at until it is swept.
func (s *Snapshot) setAside(path string, key contract.Key, reason error) {
	unlock, err := lock(filepath.Dir(path), readPatience)
	if err != nil {
		return // the next reader does it
	}
	defer unlock()
	if _, _, err := read(path, key); !errors.Is(err, registry.ErrCorrupt) {
		return // somebody has put a good one meanwhile
	}
	s.logger.Error("registry: a snapshot is damaged and was set aside", "api", key.String(), "file", path+damagedSuffix, "error", reason)
	_ = os.Rename(path, path+damagedSuffix)
}

// All returns every state that is kept and not too old, in any order. Damaged
// ones are set aside and passed over.
func (s *Snapshot) All() iter.Seq[*mqrpcv1.Api] {
	return func(yield func(*mqrpcv1.Api) bool) {
		files, err := s.files()
		if err != nil {
			s.logger.Error("registry: the snapshot cannot be listed", "dir", s.root, "error", err)
			return
		}
		for _, file := range files {
			if !file.state() || time.Since(file.changed) > s.maxAge {
				continue
			}
			api, _, err := read(file.path, contract.Key{})
			if errors.Is(err, registry.ErrCorrupt) {
				s.setAside(file.path, contract.Key{}, err)
			}
			if err == nil && !yield(api) {
				return
			}
		}
	}
}
