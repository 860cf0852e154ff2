package transcode

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// What the fast paths leave, because it is wrong or rare, goes through message
// objects and the protobuf library: that gives the answer, or the reason why
// there is none.

func (m *Message) tooLong() error {
	return fmt.Errorf("the JSON of %s is longer than %d bytes", m.descriptor.FullName(), m.options.MaxJSON)
}

// counted counts a conversion that fell back.
func (m *Message) counted(appended []byte, err error) ([]byte, error) {
	if err == nil {
		m.fallbacks.Add(1)
	}
	return appended, err
}

// appendWireSlowly is AppendWire with message objects.
func (m *Message) appendWireSlowly(dst, jsonText []byte) (appended []byte, err error) {
	// The library panics where a type has a well-known name and other fields.
	defer func() {
		if cause := recover(); cause != nil {
			appended, err = dst, fmt.Errorf("%s cannot be converted: %v", m.descriptor.FullName(), cause)
		}
	}()
	if err := checkJSONDepth(jsonText, m.maxDepth); err != nil {
		return dst, err
	}
	message := dynamicpb.NewMessage(m.descriptor)
	if err := m.fromJSON.Unmarshal(jsonText, message); err != nil {
		return dst, cleanJSONError(jsonText, err)
	}
	appended, err = proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, message)
	if err != nil {
		return dst, cleanError(err)
	}
	return appended, nil
}

// appendJSONSlowly is AppendJSON with message objects.
func (m *Message) appendJSONSlowly(dst, wire []byte) (appended []byte, err error) {
	// The library panics where a map entry has its key a second time, of
	// another wire type.
	defer func() {
		if cause := recover(); cause != nil {
			appended, err = dst, fmt.Errorf("%s is malformed: %v", m.descriptor.FullName(), cause)
		}
	}()
	depth := wireDepth{max: m.maxDepth, resolver: m.resolver}
	if m.options.MaxJSON > 0 {
		depth.cost = &jsonCost{left: m.options.MaxJSON, unpopulated: m.options.EmitUnpopulated, err: m.tooLong()}
	}
	if err := depth.check(m.descriptor, wire, 1); err != nil {
		return dst, err
	}
	message := dynamicpb.NewMessage(m.descriptor)
	if err := m.fromWire.Unmarshal(wire, message); err != nil {
		return dst, cleanError(err)
	}
	spaced, err := m.toJSON.Marshal(message)
	if err != nil {
		return dst, cleanError(err)
	}
	// protojson adds white space at random, so that nobody relies on its form.
	out := bytes.NewBuffer(dst)
	if err := json.Compact(out, spaced); err != nil {
		return dst, fmt.Errorf("protojson wrote invalid JSON: %w", err)
	}
	return out.Bytes(), nil
}
