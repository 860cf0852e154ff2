// Package record is how stores that are not databases keep a change of an API:
// a small record in JSON, which says everything but the contents, and the
// contents in parts that fit such a store's limits.
package record

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// Record is one change of an API without its contents.
type Record struct {
	registry.Change

	// Content says where the contents are.
	Content Content `json:"content"`
}

// Content says where the contents of a change are: in so many parts, named by
// an id that no other attempt to save has.
type Content struct {
	ID    string `json:"id"`
	Parts int    `json:"parts"`
	Bytes int    `json:"bytes"`
}

// maxParts bounds what a damaged record may ask for.
const maxParts = 1024

// New makes the record of a state, and its contents in parts of at most
// partSize bytes. ErrInvalid: the state does not validate.
func New(api *mqrpcv1.Api, partSize int) (Record, [][]byte, error) {
	if err := registry.Validate(api); err != nil {
		return Record{}, nil, err
	}
	encoded, err := registry.Encode(api)
	if err != nil {
		return Record{}, nil, err
	}
	parts := slices.Collect(slices.Chunk(encoded, partSize))
	return Record{
		Change:  registry.ChangeOf(api),
		Content: Content{ID: strings.ToLower(rand.Text()), Parts: len(parts), Bytes: len(encoded)},
	}, parts, nil
}

// Encode is the record as bytes.
func (r Record) Encode() ([]byte, error) { return json.Marshal(r) }

// Decode reads what [Record.Encode] wrote, for an API. ErrCorrupt: it cannot be
// read, or is about another API.
func Decode(encoded []byte, key contract.Key) (Record, error) {
	var r Record
	if err := json.Unmarshal(encoded, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %s: %w", registry.ErrCorrupt, key, err)
	}
	if r.Key != key || r.Sequence < 1 || r.Content.ID == "" || r.Content.Parts < 1 || r.Content.Parts > maxParts {
		return Record{}, fmt.Errorf("%w: the record of %s is about %s at %d in %d parts",
			registry.ErrCorrupt, key, r.Key, r.Sequence, r.Content.Parts)
	}
	return r, nil
}

// Join puts the parts together again. ErrCorrupt: they are not what the record
// was made with.
func (r Record) Join(parts [][]byte) (*mqrpcv1.Api, error) {
	encoded := bytes.Join(parts, nil)
	if len(parts) != r.Content.Parts || len(encoded) != r.Content.Bytes {
		return nil, fmt.Errorf("%w: %s at %d has %d bytes in %d parts, want %d in %d", registry.ErrCorrupt,
			r.Key, r.Sequence, len(encoded), len(parts), r.Content.Bytes, r.Content.Parts)
	}
	api, err := registry.Decode(encoded)
	if err != nil {
		return nil, fmt.Errorf("%s at %d: %w", r.Key, r.Sequence, err)
	}
	if head := registry.HeadOf(api); head != r.Head {
		return nil, fmt.Errorf("%w: %s at %d has the contents of %s at %d", registry.ErrCorrupt,
			r.Key, r.Sequence, head.Key, head.Sequence)
	}
	return api, nil
}
