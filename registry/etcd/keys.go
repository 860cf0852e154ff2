package etcd

import (
	"fmt"
	"strings"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

// keys names keys below a prefix.
type keys struct{ prefix string }

func joined(key contract.Key) string { return key.Module + "," + key.Version }

func (k keys) heads() string                   { return k.prefix + "heads/" }
func (k keys) headsOf(module string) string    { return k.heads() + module + "," }
func (k keys) head(key contract.Key) string    { return k.heads() + joined(key) }
func (k keys) changes(key contract.Key) string { return k.prefix + "changes/" + joined(key) + "/" }

func (k keys) change(key contract.Key, sequence int64) string {
	return k.changes(key) + digits(sequence)
}

func (k keys) allContents(key contract.Key) string {
	return k.prefix + "contents/" + joined(key) + "/"
}

// contents is what the keys of all parts begin with.
func (k keys) contents(key contract.Key, sequence int64, id string) string {
	return k.allContents(key) + digits(sequence) + "/" + id + "/"
}

func (k keys) part(key contract.Key, sequence int64, id string, i int) string {
	return fmt.Sprintf("%s%04d", k.contents(key, sequence, id), i)
}

// ofHead is the API of a head's key.
func (k keys) ofHead(name string) (contract.Key, error) {
	module, version, _ := strings.Cut(strings.TrimPrefix(name, k.heads()), ",")
	key := contract.Key{Module: module, Version: version}
	if err := key.Check(); err != nil {
		return key, fmt.Errorf("%w: the key %q names no API: %w", registry.ErrCorrupt, name, err)
	}
	return key, nil
}

// digits makes numbers sort as they count.
func digits(sequence int64) string { return fmt.Sprintf("%020d", sequence) }
