package record_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/record"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

var key = contract.Key{Module: "wxapp", Version: "1.0"}

func TestRoundTrip(t *testing.T) {
	api := registrytest.API(key, 3, 2)
	rec, parts, err := record.New(api, 100)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := rec.Encode()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := record.Decode(encoded, key)
	if err != nil || decoded.Head != rec.Head || decoded.Content != rec.Content || len(parts) < 2 {
		t.Fatalf("got %+v in %d parts, error %v; want %+v", decoded, len(parts), err, rec)
	}
	got, err := decoded.Join(parts)
	if err != nil || !proto.Equal(got, api) {
		t.Fatalf("the joined parts differ: error %v", err)
	}
}

// TestDamage checks that what is damaged is said to be, and never taken.
func TestDamage(t *testing.T) {
	rec, parts, err := record.New(registrytest.API(key, 3, 2), 100)
	if err != nil {
		t.Fatal(err)
	}
	_, strange, err := record.New(registrytest.API(key, 4, 2), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][][]byte{
		"a part is missing": parts[1:],
		"in another order":  append(append([][]byte{}, parts[1:]...), parts[0]),
		"of another change": strange,
		"none":              nil,
	} {
		if _, err := rec.Join(damaged); !errors.Is(err, registry.ErrCorrupt) {
			t.Errorf("%s: got error %v, want %v", name, err, registry.ErrCorrupt)
		}
	}
	for _, text := range []string{"", "{}", "[]", `{"module":"wxapp","version":"1.0","sequence":1,"content":{"id":"x","parts":1000000}}`} {
		if _, err := record.Decode([]byte(text), key); !errors.Is(err, registry.ErrCorrupt) {
			t.Errorf("%s: got error %v, want %v", text, err, registry.ErrCorrupt)
		}
	}
	if _, _, err := record.New(registrytest.API(key, 0, 1), 100); !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("an invalid API: got error %v, want %v", err, registry.ErrInvalid)
	}
}
