package registry

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Encode is how an API is kept as bytes: gzip over its protobuf encoding.
// Descriptors shrink to about a fifth. The API must be valid.
func Encode(api *mqrpcv1.Api) ([]byte, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(api)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(encoded) > contract.MaxBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrInvalid, len(encoded), contract.MaxBytes)
	}
	return Compress(encoded), nil
}

// Decode reads what [Encode] wrote. What is damaged, or greater than
// [contract.MaxBytes] when unpacked, is ErrCorrupt.
func Decode(encoded []byte) (*mqrpcv1.Api, error) {
	plain, err := Decompress(encoded)
	if err != nil {
		return nil, err
	}
	api := &mqrpcv1.Api{}
	if err := contract.Unmarshal(plain, api); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return api, nil
}

// Compress packs bytes with gzip. The same bytes give the same result.
func Compress(plain []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	// Writing to a buffer cannot fail.
	_, _ = w.Write(plain)
	_ = w.Close()
	return packed.Bytes()
}

// Decompress reads what [Compress] wrote, up to [contract.MaxBytes]; ErrCorrupt for all
// else.
func Decompress(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, contract.MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case len(plain) > contract.MaxBytes:
		return nil, errors.Join(ErrCorrupt, fmt.Errorf("it has more than %d bytes", contract.MaxBytes))
	}
	return plain, nil
}
