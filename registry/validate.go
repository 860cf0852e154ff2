package registry

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// The limits of an API beside those of its contract: [contract.MaxBytes] bounds
// it as a whole.
const (
	// MaxPolicyMethods bounds the methods, and the default responses, that a
	// policy names.
	MaxPolicyMethods = 1000
	// MaxDefaultResponseBytes bounds one default response.
	MaxDefaultResponseBytes = 64 << 10
	// MaxChangedByBytes bounds the account of who made a change.
	MaxChangedByBytes = 1024
)

// Validate returns an error, an [ErrInvalid], if api breaks a rule or a limit
// that stores rely on: its names, its revision and sequence, its size, its
// policy. It does not link the files: [contract.Link] does.
func Validate(api *mqrpcv1.Api) error {
	if err := validate(api); err != nil {
		return fmt.Errorf("%w: %.100s/%.50s: %w", ErrInvalid, api.GetModule(), api.GetVersion(), err)
	}
	return nil
}

func validate(api *mqrpcv1.Api) error {
	if err := contract.KeyOf(api).Check(); err != nil {
		return err
	}
	if api.GetSequence() < 1 {
		return fmt.Errorf("the sequence is %d: it counts from 1", api.GetSequence())
	}
	if n := len(api.GetChangedBy()); n > MaxChangedByBytes || !utf8.ValidString(api.GetChangedBy()) {
		return fmt.Errorf("changed_by has %d bytes: it must be valid UTF-8 of at most %d", n, MaxChangedByBytes)
	}
	if err := validatePolicy(api.GetPolicy()); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if n := proto.Size(api); n > contract.MaxBytes {
		return fmt.Errorf("it has %d bytes, more than %d", n, contract.MaxBytes)
	}
	return validateFiles(api)
}

func validateFiles(api *mqrpcv1.Api) error {
	if err := contract.Check(api.GetFiles()); err != nil {
		return err
	}
	if revision := contract.Revision(api.GetFiles()); api.GetRevision() != revision {
		return fmt.Errorf("the revision is %.64q, but that of the files is %q", api.GetRevision(), revision)
	}
	return nil
}

func validatePolicy(policy *mqrpcv1.Policy) error {
	if err := contract.CheckTimeout(policy.GetTimeout()); err != nil {
		return err
	}
	if n := len(policy.GetDefaultResponses()); n > MaxPolicyMethods {
		return fmt.Errorf("it has %d default responses, more than %d", n, MaxPolicyMethods)
	}
	for name, response := range policy.GetDefaultResponses() {
		if name != "*" {
			if err := contract.CheckMethod(name); err != nil {
				return fmt.Errorf("default response: %w", err)
			}
		}
		if n := len(response); n > MaxDefaultResponseBytes {
			return fmt.Errorf("the default response of %s has %d bytes, more than %d", name, n, MaxDefaultResponseBytes)
		}
		if !utf8.ValidString(response) {
			return fmt.Errorf("the default response of %s is not valid UTF-8", name)
		}
	}
	if n := len(policy.GetMethods()); n > MaxPolicyMethods {
		return fmt.Errorf("it names %d methods, more than %d", n, MaxPolicyMethods)
	}
	for name, method := range policy.GetMethods() {
		if err := contract.CheckMethod(name); err != nil {
			return err
		}
		if err := contract.CheckTimeout(method.GetTimeout()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
