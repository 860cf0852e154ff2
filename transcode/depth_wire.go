package transcode

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// wireDepth refuses messages whose JSON would be nested too deeply. It follows
// google.protobuf.Any into its value, which the protobuf library's own limit
// does not.
type wireDepth struct {
	max      int
	resolver Resolver
	cost     *jsonCost // nil: the JSON may be as long as it likes
}

// check walks one message, whose JSON is at that depth: 1 is the outermost.
func (d wireDepth) check(descriptor protoreflect.MessageDescriptor, wire []byte, depth int) error {
	if depth > d.max && isNested(descriptor.FullName()) {
		return fmt.Errorf("%s is nested deeper than %d levels", descriptor.FullName(), d.max)
	}
	if err := d.cost.message(descriptor); err != nil {
		return err
	}
	if descriptor.FullName() == anyName {
		return d.checkAny(wire, depth)
	}
	if value := descriptor.Fields().ByNumber(2); descriptor.IsMapEntry() && value.Message() != nil {
		// An entry without a value has an empty one.
		if err := d.check(value.Message(), nil, depth+levels(value)); err != nil {
			return err
		}
	}
	return eachField(descriptor.FullName(), wire, func(number protowire.Number, kind protowire.Type, content []byte) error {
		field := d.field(descriptor, number)
		if field == nil {
			return nil
		}
		if err := d.cost.field(field, content); err != nil {
			return err
		}
		switch {
		case field.IsList() && isNested(descriptor.FullName()) && descriptor.FullName() != listName && depth+1 > d.max:
			return fmt.Errorf("%s is nested deeper than %d levels", field.FullName(), d.max)
		case field.Message() == nil, kind != messageType(field):
			return nil // A message of another wire type is an unknown field.
		default:
			return d.check(field.Message(), content, depth+levels(field))
		}
	})
}

// field finds a field of the message or an extension, nil if there is none.
func (d wireDepth) field(descriptor protoreflect.MessageDescriptor, number protowire.Number) protoreflect.FieldDescriptor {
	if field := descriptor.Fields().ByNumber(number); field != nil {
		return field
	}
	if !descriptor.ExtensionRanges().Has(number) {
		return nil
	}
	extension, err := d.resolver.FindExtensionByNumber(descriptor.FullName(), number)
	if err != nil {
		return nil
	}
	return extension.TypeDescriptor()
}

// messageType is the wire type of a field that is a message.
func messageType(field protoreflect.FieldDescriptor) protowire.Type {
	if field.Kind() == protoreflect.GroupKind {
		return protowire.StartGroupType
	}
	return protowire.BytesType
}

// checkAny walks the message inside an Any whose type is known.
func (d wireDepth) checkAny(wire []byte, depth int) error {
	var url string
	var value []byte
	err := eachField(anyName, wire, func(number protowire.Number, kind protowire.Type, content []byte) error {
		switch {
		case kind != protowire.BytesType:
		case number == 1:
			url = string(content)
		case number == 2:
			value = content
		}
		return nil
	})
	if err != nil {
		return err
	}
	inner, err := d.resolver.FindMessageByURL(url)
	if err != nil {
		return nil //nolint:nilerr // The conversion reports it, with the reason.
	}
	switch inner.Descriptor().FullName() {
	case anyName, structName, listName, valueName:
		depth++ // These stand in the Any's "value"; others have their fields in the Any's own object.
	}
	if err = d.check(inner.Descriptor(), value, depth); errors.As(err, new(*malformedError)) {
		return nil // A later part of this Any may replace the value.
	}
	return err
}

// eachField calls visit with the number, the wire type and the content of every
// field in a message. The content is nil for scalars.
func eachField(name protoreflect.FullName, wire []byte, visit func(protowire.Number, protowire.Type, []byte) error) error {
	for len(wire) > 0 {
		number, kind, size := protowire.ConsumeTag(wire)
		if size < 0 {
			return malformed(name, size)
		}
		wire = wire[size:]
		if size = protowire.ConsumeFieldValue(number, kind, wire); size < 0 {
			return malformed(name, size)
		}
		var content []byte
		switch kind {
		case protowire.BytesType:
			content, _ = protowire.ConsumeBytes(wire)
		case protowire.StartGroupType:
			content, _ = protowire.ConsumeGroup(number, wire)
		}
		if err := visit(number, kind, content); err != nil {
			return err
		}
		wire = wire[size:]
	}
	return nil
}

const (
	anyName    protoreflect.FullName = "google.protobuf.Any"
	structName protoreflect.FullName = "google.protobuf.Struct"
	listName   protoreflect.FullName = "google.protobuf.ListValue"
	valueName  protoreflect.FullName = "google.protobuf.Value"
)

// isNested reports whether a message is an object or an array in JSON. The
// others of the well-known types are scalars, and a Value is what it holds.
func isNested(name protoreflect.FullName) bool {
	if name.Parent() != "google.protobuf" {
		return true
	}
	switch name.Name() {
	case "Value", "Timestamp", "Duration", "FieldMask",
		"BoolValue", "BytesValue", "DoubleValue", "FloatValue", "StringValue",
		"Int32Value", "Int64Value", "UInt32Value", "UInt64Value":
		return false
	default:
		return true
	}
}

// levels is by how many levels of JSON the message in a field is deeper than
// the message that has the field.
func levels(field protoreflect.FieldDescriptor) int {
	switch parent := field.ContainingMessage(); {
	case parent.FullName() == valueName, parent.FullName() == structName:
		return 0 // A Value is what it holds; a Struct is its map's object.
	case parent.FullName() == listName:
		return 1 // A ListValue is the array.
	case field.IsList():
		return 2 // The array, and the object in it.
	default:
		return 1 // For a map: the entry counts as the map's object.
	}
}

// malformedError is a message that cannot be walked.
type malformedError struct {
	name  protoreflect.FullName
	cause error
}

func malformed(name protoreflect.FullName, code int) error {
	return &malformedError{name: name, cause: cleanError(protowire.ParseError(code))}
}

// Error names the message.
func (e *malformedError) Error() string { return fmt.Sprintf("%s is malformed: %v", e.name, e.cause) }

// Unwrap is what is wrong with it.
func (e *malformedError) Unwrap() error { return e.cause }
