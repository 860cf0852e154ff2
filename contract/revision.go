package contract

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// wellKnown is the directory of protobuf's own files. They are the same to
// everybody, yet every compiler and runtime brings another edition of them, so
// they say nothing about a contract.
const wellKnown = "google/protobuf/"

// Revision identifies the contents of a contract's files: the first 16 bytes,
// in hexadecimal, of the SHA-256 over the deterministic encodings of the files,
// sorted by name.
//
// Whoever computes it gets the same: source information, protobuf's own files
// and the default JSON names, which some compilers write out and others do not,
// do not count, nor does whether this process knows a custom option. The order
// of the files does not either.
func Revision(files *descriptorpb.FileDescriptorSet) string {
	sorted := slices.DeleteFunc(slices.Clone(files.GetFile()), func(file *descriptorpb.FileDescriptorProto) bool {
		return strings.HasPrefix(file.GetName(), wellKnown)
	})
	slices.SortStableFunc(sorted, func(a, b *descriptorpb.FileDescriptorProto) int {
		return cmp.Compare(a.GetName(), b.GetName())
	})
	hash := sha256.New()
	for _, file := range sorted {
		encoded := canonicalFile(file)
		// The length parts one file from the next.
		hash.Write(protowire.AppendVarint(nil, uint64(len(encoded))))
		hash.Write(encoded)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// canonicalFile encodes a file so that the bytes depend on the contract alone.
func canonicalFile(file *descriptorpb.FileDescriptorProto) []byte {
	// Once around through bytes with no extension known, so that custom options
	// are alike in processes that know them and in those that do not.
	encoded, _ := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(file)
	plain := &descriptorpb.FileDescriptorProto{}
	unmarshal := proto.UnmarshalOptions{Resolver: new(protoregistry.Types), AllowPartial: true}
	if err := unmarshal.Unmarshal(encoded, plain); err != nil {
		return encoded // invalid UTF-8 in a name: no compiler writes that
	}
	plain.SourceCodeInfo = nil
	canonicalize(plain.ProtoReflect())
	encoded, _ = proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(plain)
	return encoded
}

// canonicalize drops default JSON names and sorts unknown fields, in m and in
// all below it.
func canonicalize(m protoreflect.Message) {
	if field, is := m.Interface().(*descriptorpb.FieldDescriptorProto); is {
		if field.JsonName != nil && field.GetJsonName() == defaultJSONName(field.GetName()) {
			field.JsonName = nil
		}
	}
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		m.SetUnknown(sortFields(unknown))
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range value.List().Len() {
				canonicalize(value.List().Get(i).Message())
			}
		default:
			canonicalize(value.Message())
		}
		return true
	})
}

// sortFields sorts encoded fields by number; those with the same one keep their
// order.
func sortFields(encoded []byte) []byte {
	type field struct {
		number protowire.Number
		bytes  []byte
	}
	var fields []field
	for rest := encoded; len(rest) > 0; {
		number, _, n := protowire.ConsumeField(rest)
		if n < 0 {
			return encoded
		}
		fields = append(fields, field{number: number, bytes: rest[:n]})
		rest = rest[n:]
	}
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(a.number, b.number) })
	sorted := make([]byte, 0, len(encoded))
	for _, f := range fields {
		sorted = append(sorted, f.bytes...)
	}
	return sorted
}

// defaultJSONName is the JSON name that protobuf gives a field: lowerCamelCase.
func defaultJSONName(name string) string {
	var b strings.Builder
	upper := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_':
			upper = true
			continue
		case upper && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		b.WriteByte(c)
	}
	return b.String()
}
