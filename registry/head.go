package registry

import (
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Head is the state of an API without its contents: enough to see whether two
// states are the same and which is the newer. It is comparable.
type Head struct {
	contract.Key

	// Sequence counts the changes of the API, from 1.
	Sequence int64 `json:"sequence"`
	// Revision identifies the descriptors.
	Revision string `json:"revision"`
	// Digest identifies all that a gateway acts on, see [Digest].
	Digest string `json:"digest"`
	// Deleted marks a tombstone.
	Deleted bool `json:"deleted,omitempty"`
}

// HeadOf is the head of a state.
func HeadOf(api *mqrpcv1.Api) Head {
	return Head{
		Key:      contract.KeyOf(api),
		Sequence: api.GetSequence(),
		Revision: api.GetRevision(),
		Digest:   Digest(api),
		Deleted:  api.GetDeleted(),
	}
}

// Digest identifies what gateways act on: the revision and whether it is pinned,
// the policy, and whether the API is deleted. Not the sequence, nor who changed it and when: the same
// change made twice has the same digest.
func Digest(api *mqrpcv1.Api) string {
	content := &mqrpcv1.Api{
		Revision: api.GetRevision(),
		Policy:   api.GetPolicy(),
		Deleted:  api.GetDeleted(),
		Pinned:   api.GetPinned(),
	}
	if content.GetPolicy() == nil {
		content.Policy = &mqrpcv1.Policy{} // no policy and the zero one mean the same
	}
	// Marshal fails on invalid UTF-8 only, which Validate refuses.
	encoded, _ := proto.MarshalOptions{Deterministic: true}.Marshal(content)
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}
