package wire

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one decoded field of any message.
type field struct {
	kind   protowire.Type
	number uint64 // of a varint or fixed64
	bytes  []byte
}

// eachField calls visit for every field of an encoded message.
func eachField(body []byte, visit func(protowire.Number, field) error) error {
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return fmt.Errorf("a field's tag: %w", protowire.ParseError(n))
		}
		body = body[n:]
		value := field{kind: kind}
		switch kind {
		case protowire.VarintType:
			value.number, n = protowire.ConsumeVarint(body)
		case protowire.Fixed64Type:
			value.number, n = protowire.ConsumeFixed64(body)
		case protowire.BytesType:
			value.bytes, n = protowire.ConsumeBytes(body)
		default:
			n = protowire.ConsumeFieldValue(number, kind, body)
		}
		if n < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
		}
		body = body[n:]
		if err := visit(number, value); err != nil {
			return err
		}
	}
	return nil
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

// metadataDecoder gathers the entries of one metadata map within its limits.
type metadataDecoder struct {
	target  *map[string]string
	entries int
	bytes   int
}

func (m *metadataDecoder) add(entry []byte) error {
	m.entries++
	m.bytes += len(entry)
	if m.entries > MaxMetadataEntries || m.bytes > MaxMetadataBytes {
		return fmt.Errorf("the metadata has more than %d entries or %d bytes", MaxMetadataEntries, MaxMetadataBytes)
	}
	var key, value string
	err := eachField(entry, func(number protowire.Number, f field) error {
		switch {
		case number == entryKey && f.kind == protowire.BytesType:
			return setString(&key, f.bytes, "metadata key")
		case number == entryValue && f.kind == protowire.BytesType:
			return setString(&value, f.bytes, "metadata value")
		}
		return nil
	})
	if err == nil {
		err = checkMetadataKey(key)
	}
	if err != nil {
		return err
	}
	if *m.target == nil {
		*m.target = make(map[string]string)
	}
	(*m.target)[key] = value
	return nil
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

func checkMetadataKey(key string) error {
	if key == "" {
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
