package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Limits on what instances and clients tell one another, from PROTOCOL.md
// sections 5.3 and 9.
const (
	// MaxTellingBytes bounds claims, heartbeats and control messages.
	MaxTellingBytes = 1 << 20
	// MaxDigests bounds the digests of one Cancel.
	MaxDigests = 1024
)

// DecodeClaim decodes a claim that arrived under an [APIKey]. It fails, with an
// error that wraps [ErrMalformed], on one that is undecodable, has an invalid
// name, or speaks of another API than its key.
func DecodeClaim(body []byte, apiKey string) (*mqrpcv1.Claim, error) {
	claim := &mqrpcv1.Claim{}
	if err := decodeTold(body, claim); err != nil {
		return nil, err
	}
	if err := checkSpeaker(claim.GetInstance(), claim.GetModule(), claim.GetVersion()); err != nil {
		return nil, err
	}
	if key := APIKey(claim.GetModule(), claim.GetVersion()); key != apiKey {
		return nil, fmt.Errorf("%w: a claim of %s came under the key %.255q", ErrMalformed, key, apiKey)
	}
	return claim, nil
}

// DecodeHeartbeat decodes a heartbeat that arrived under a [ModuleKey]. It fails
// as [DecodeClaim] does.
func DecodeHeartbeat(body []byte, routingKey string) (*mqrpcv1.Heartbeat, error) {
	beat := &mqrpcv1.Heartbeat{}
	if err := decodeTold(body, beat); err != nil {
		return nil, err
	}
	if key := ModuleKey(beat.GetModule()); key != routingKey {
		return nil, fmt.Errorf("%w: a heartbeat of %.255q came under the key %.255q", ErrMalformed, key, routingKey)
	}
	for _, served := range beat.GetVersions() {
		if err := checkSpeaker(beat.GetInstance(), beat.GetModule(), served.GetVersion()); err != nil {
			return nil, err
		}
	}
	return beat, nil
}

// DecodeDiscover decodes a question for claims.
func DecodeDiscover(body []byte) (*mqrpcv1.Discover, error) {
	question := &mqrpcv1.Discover{}
	return question, decodeTold(body, question)
}

// DecodeAdmission decodes an admission.
func DecodeAdmission(body []byte) (*mqrpcv1.Admission, error) {
	admission := &mqrpcv1.Admission{}
	return admission, decodeTold(body, admission)
}

// DecodeCancel decodes a cancel message. One of too many digests is malformed.
func DecodeCancel(body []byte) (*mqrpcv1.Cancel, error) {
	cancel := &mqrpcv1.Cancel{}
	if err := decodeTold(body, cancel); err != nil {
		return nil, err
	}
	if n := len(cancel.GetDigests()); n > MaxDigests {
		return nil, fmt.Errorf("%w: %d digests, more than %d", ErrMalformed, n, MaxDigests)
	}
	return cancel, nil
}

func decodeTold(body []byte, message proto.Message) error {
	if len(body) > MaxTellingBytes {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrMalformed, len(body), MaxTellingBytes)
	}
	if err := proto.Unmarshal(body, message); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func checkSpeaker(instance, module, version string) error {
	if err := errors.Join(CheckWord(instance), contract.CheckModule(module), contract.CheckVersion(version)); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
