package contract

import (
	"cmp"
	"fmt"
	"strings"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Key names an API.
type Key struct {
	Module  string `json:"module"`
	Version string `json:"version"`
}

// KeyOf is the key of an API.
func KeyOf(api *mqrpcv1.Api) Key { return Key{Module: api.GetModule(), Version: api.GetVersion()} }

// ParseKey reads what [Key.String] writes: "wxapp/1.0".
func ParseKey(s string) (Key, error) {
	module, version, found := strings.Cut(s, "/")
	if !found {
		return Key{}, fmt.Errorf("%q does not name an API: it must have the form module/version, for example wxapp/1.0", s)
	}
	key := Key{Module: module, Version: version}
	return key, key.Check()
}

// Check returns an error that says what is wrong with the names, nil when
// nothing is.
func (k Key) Check() error {
	if err := CheckModule(k.Module); err != nil {
		return err
	}
	return CheckVersion(k.Version)
}

// String is the key for people: "wxapp/1.0".
func (k Key) String() string { return k.Module + "/" + k.Version }

// IsZero reports whether k names no API.
func (k Key) IsZero() bool { return k == Key{} }

// Compare orders keys by the bytes of module, then of version.
func (k Key) Compare(other Key) int {
	return cmp.Or(strings.Compare(k.Module, other.Module), strings.Compare(k.Version, other.Version))
}
