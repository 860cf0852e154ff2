package wire

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// fieldReader reads the fields of one encoded message, one after the other. After
// each successful next it holds the field that was read.
type fieldReader struct {
	rest   []byte
	number protowire.Number
	kind   protowire.Type
	scalar uint64 // of a varint or fixed64
	bytes  []byte // of a length-delimited field
	err    error
}

// next reads a field. It returns false at the end, and after an error, which is
// then in err.
func (f *fieldReader) next() bool {
	if len(f.rest) == 0 || f.err != nil {
		return false
	}
	number, kind, n := protowire.ConsumeTag(f.rest)
	if n < 0 {
		f.err = fmt.Errorf("a field's tag: %w", protowire.ParseError(n))
		return false
	}
	f.number, f.kind, f.rest = number, kind, f.rest[n:]
	switch kind {
	case protowire.VarintType:
		f.scalar, n = protowire.ConsumeVarint(f.rest)
	case protowire.Fixed64Type:
		f.scalar, n = protowire.ConsumeFixed64(f.rest)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(f.rest)
	default:
		n = protowire.ConsumeFieldValue(number, kind, f.rest)
	}
	if n < 0 {
		f.err = fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
		return false
	}
	f.rest = f.rest[n:]
	return true
}

// is reports whether the field has that number and kind. One with a known
// number and another kind is an unknown field.
func (f *fieldReader) is(number protowire.Number, kind protowire.Type) bool {
	return f.number == number && f.kind == kind
}

// count is the number of length-delimited fields with that number, of at most
// limit; what is malformed ends the count.
func count(body []byte, number protowire.Number, limit int) int {
	n := 0
	for f := (fieldReader{rest: body}); n < limit && f.next(); {
		if f.is(number, protowire.BytesType) {
			n++
		}
	}
	return n
}

func appendID(body []byte, number protowire.Number, id uint64) []byte {
	body = protowire.AppendTag(body, number, protowire.Fixed64Type)
	return protowire.AppendFixed64(body, id)
}

// idSize is the size of an id with its tag.
const idSize = 1 + 8

func appendString(body []byte, number protowire.Number, value string) []byte {
	if value == "" {
		return body
	}
	body = protowire.AppendTag(body, number, protowire.BytesType)
	return protowire.AppendString(body, value)
}

func appendBytes(body []byte, number protowire.Number, value []byte) []byte {
	if len(value) == 0 {
		return body
	}
	body = protowire.AppendTag(body, number, protowire.BytesType)
	return protowire.AppendBytes(body, value)
}

func sizeBytes(length int) int {
	if length == 0 {
		return 0
	}
	return 1 + protowire.SizeBytes(length)
}

// appendMicros writes a duration. A positive one is at least 1 µs: zero means
// something else.
func appendMicros(body []byte, number protowire.Number, d time.Duration) []byte {
	if d <= 0 {
		return body
	}
	body = protowire.AppendTag(body, number, protowire.VarintType)
	return protowire.AppendVarint(body, toMicros(d))
}

func sizeMicros(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return 1 + protowire.SizeVarint(toMicros(d))
}

func toMicros(d time.Duration) uint64 {
	return uint64((d-1)/time.Microsecond) + 1 //nolint:gosec // d is positive
}

// fromMicros gives the longest duration for what does not fit.
func fromMicros(micros uint64) time.Duration {
	if micros > math.MaxInt64/uint64(time.Microsecond) {
		return math.MaxInt64
	}
	return time.Duration(micros) * time.Microsecond
}

func appendMetadata(body []byte, number protowire.Number, metadata map[string]string) []byte {
	for key, value := range metadata {
		body = protowire.AppendTag(body, number, protowire.BytesType)
		body = protowire.AppendVarint(body, uint64(sizeEntry(key, value))) //nolint:gosec // sizes are not negative
		body = appendString(body, entryKey, key)
		body = appendString(body, entryValue, value)
	}
	return body
}

func sizeMetadata(metadata map[string]string) int {
	size := 0
	for key, value := range metadata {
		size += 1 + protowire.SizeBytes(sizeEntry(key, value))
	}
	return size
}

func sizeEntry(key, value string) int { return sizeBytes(len(key)) + sizeBytes(len(value)) }

// metadataReader reads the entries of one metadata map within its limits.
type metadataReader struct {
	entries int
	bytes   int
}

// read reads an entry, whose parts share its memory.
func (m *metadataReader) read(entry []byte) (key, value []byte, err error) {
	m.entries++
	m.bytes += len(entry)
	if m.entries > MaxMetadataEntries || m.bytes > MaxMetadataBytes {
		return nil, nil, fmt.Errorf("the metadata has more than %d entries or %d bytes", MaxMetadataEntries, MaxMetadataBytes)
	}
	f := fieldReader{rest: entry}
	for f.next() {
		part := &value
		switch {
		case f.is(entryKey, protowire.BytesType):
			part = &key
		case !f.is(entryValue, protowire.BytesType):
			continue
		}
		if *part = f.bytes; !utf8.Valid(*part) {
			return nil, nil, errors.New("a metadata key or value is not UTF-8")
		}
	}
	if f.err != nil {
		return nil, nil, f.err
	}
	return key, value, checkMetadataKey(key)
}

// addTo reads an entry into the map, or into a new one if that is nil.
func (m *metadataReader) addTo(metadata map[string]string, entry []byte) (map[string]string, error) {
	key, value, err := m.read(entry)
	if err != nil {
		return nil, err
	}
	if metadata == nil {
		metadata = make(map[string]string)
	}
	metadata[string(key)] = string(value)
	return metadata, nil
}

// CheckMetadata returns an error that says what in the metadata cannot be sent,
// nil when all can.
func CheckMetadata(metadata map[string]string) error {
	if len(metadata) == 0 {
		return nil
	}
	size := 0
	for key, value := range metadata {
		if err := checkMetadataKey(key); err != nil {
			return err
		}
		if !utf8.ValidString(value) {
			return fmt.Errorf("the value of metadata key %q is not UTF-8: encode bytes as base64", key)
		}
		size += sizeEntry(key, value)
	}
	if len(metadata) > MaxMetadataEntries || size > MaxMetadataBytes {
		return fmt.Errorf("the metadata has %d entries and %d bytes; %d and %d are allowed",
			len(metadata), size, MaxMetadataEntries, MaxMetadataBytes)
	}
	return nil
}

func checkMetadataKey[T string | []byte](key T) error {
	if len(key) == 0 {
		return errors.New("a metadata key is empty")
	}
	if len(key) > MaxMetadataKey {
		return fmt.Errorf("a metadata key has %d bytes, more than %d", len(key), MaxMetadataKey)
	}
	for _, c := range []byte(key) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return fmt.Errorf(`metadata key %q is invalid: lower-case letters, digits, ".", "_" and "-" are allowed`, key)
		}
	}
	return nil
}
