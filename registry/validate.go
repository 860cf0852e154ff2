package registry

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// The limits of an API.
const (
	// MaxBytes bounds the encoded API, with all its files.
	MaxBytes = 4 << 20
	// MaxFiles bounds the number of files, imports among them.
	MaxFiles = 2000
	// MaxFileNameBytes bounds the name of a file.
	MaxFileNameBytes = 1024
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
		return fmt.Errorf("%w: %s/%s: %w", ErrInvalid, api.GetModule(), api.GetVersion(), err)
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
	if n := proto.Size(api); n > MaxBytes {
		return fmt.Errorf("it has %d bytes, more than %d", n, MaxBytes)
	}
	return validateFiles(api)
}

func validateFiles(api *mqrpcv1.Api) error {
	files := api.GetFiles().GetFile()
	if len(files) == 0 {
		return fmt.Errorf("it has no files")
	}
	if len(files) > MaxFiles {
		return fmt.Errorf("it has %d files, more than %d", len(files), MaxFiles)
	}
	seen := make(map[string]bool, len(files))
	for _, file := range files {
		name := file.GetName()
		switch {
		case name == "" || len(name) > MaxFileNameBytes:
			return fmt.Errorf("a file's name has %d bytes: it must have 1 to %d", len(name), MaxFileNameBytes)
		case seen[name]:
			return fmt.Errorf("the file %q is there twice", name)
		}
		for _, dependency := range file.GetDependency() {
			if !seen[dependency] {
				return fmt.Errorf("the file %q comes before its import %q, or without it", name, dependency)
			}
		}
		seen[name] = true
	}
	if revision := contract.Revision(api.GetFiles()); api.GetRevision() != revision {
		return fmt.Errorf("the revision is %q, but that of the files is %q", api.GetRevision(), revision)
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
