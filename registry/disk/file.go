package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// The endings of files, and the name of the lock. Files that are being written
// begin with a dot, as the lock does.
const (
	stateSuffix   = ".api"
	damagedSuffix = ".damaged"
	lockName      = ".lock"
	hiddenPrefix  = "."
)

// magic begins every file. The SHA-256 of all that follows it comes next.
const magic = "mqrpc snapshot 1\n"

// maxNameBytes is how much of an API's names a file's name shows.
const maxNameBytes = 60

// path is the place of an API's file. The names were checked, and still only
// the hash counts: the rest is for people.
func (s *Snapshot) path(key contract.Key) string {
	sum := sha256.Sum256([]byte(key.String()))
	hash := hex.EncodeToString(sum[:16])
	shown := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '@':
			return r
		}
		return '_'
	}, key.Module+"@"+key.Version)
	return filepath.Join(s.root, hash[:2], shown[:min(len(shown), maxNameBytes)]+"-"+hash+stateSuffix)
}

// encode is the content of a file.
func encode(api *mqrpcv1.Api) ([]byte, error) {
	body, err := registry.Encode(api)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return slices.Concat([]byte(magic), sum[:], body), nil
}

// read reads a file. A key that is not zero must be that of the API. What
// cannot be read as an API is ErrCorrupt.
func read(path string, key contract.Key) (*mqrpcv1.Api, time.Time, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	// An encoded API may be a little greater than the plain one.
	encoded, err := io.ReadAll(io.LimitReader(file, contract.MaxBytes+contract.MaxBytes/10))
	if err != nil {
		return nil, time.Time{}, err
	}
	api, err := decode(encoded)
	if err != nil {
		return nil, time.Time{}, err
	}
	if found := contract.KeyOf(api); !key.IsZero() && found != key {
		return nil, time.Time{}, fmt.Errorf("%w: the file is about %s", registry.ErrCorrupt, found)
	}
	return api, info.ModTime(), nil
}

func decode(encoded []byte) (*mqrpcv1.Api, error) {
	rest, found := bytes.CutPrefix(encoded, []byte(magic))
	if !found || len(rest) < sha256.Size {
		return nil, fmt.Errorf("%w: it does not begin as a snapshot does", registry.ErrCorrupt)
	}
	sum, body := rest[:sha256.Size], rest[sha256.Size:]
	if actual := sha256.Sum256(body); !bytes.Equal(sum, actual[:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", registry.ErrCorrupt)
	}
	return registry.Decode(body)
}
