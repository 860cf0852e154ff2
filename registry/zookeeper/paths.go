package zookeeper

import (
	"fmt"
	"path"
	"strings"

	"github.com/mqrpc/mqrpc/contract"
)

// paths names nodes below a root.
type paths struct{ root string }

func (p paths) apis() string                { return path.Join(p.root, "apis") }
func (p paths) module(module string) string { return p.apis() + "/" + module }
func (p paths) api(key contract.Key) string { return p.module(key.Module) + "/" + key.Version }
func (p paths) change(key contract.Key, sequence int64) string {
	return p.api(key) + "/" + digits(sequence)
}

func (p paths) contents(key contract.Key) string {
	return path.Join(p.root, "contents", key.Module, key.Version)
}

func (p paths) part(key contract.Key, sequence int64, id string, i int) string {
	return fmt.Sprintf("%s/%s-%s-%04d", p.contents(key), digits(sequence), id, i)
}

// ofAPI is the key of an API's node.
func (p paths) ofAPI(name string) (contract.Key, bool) {
	rest, below := strings.CutPrefix(name, p.apis()+"/")
	key, err := contract.ParseKey(rest)
	return key, below && err == nil
}

// digits makes names sort as the numbers count.
func digits(sequence int64) string { return fmt.Sprintf("%020d", sequence) }
