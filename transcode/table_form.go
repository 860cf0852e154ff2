package transcode

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// form is what a message looks like in JSON.
type form uint8

const (
	formPlain     form = iota // an object with the message's fields
	formAny                   // an object with "@type"
	formTimestamp             // a string, RFC 3339
	formDuration              // a string, "1.5s"
	formFieldMask             // a string, "a,b.c"
	formWrapper               // what its field 1, fields[0], is
	formStruct                // an object: its field 1, fields[0], is the map
	formList                  // an array: its field 1, fields[0], is the list
	formValue                 // whatever it holds
	formEmpty                 // an object without fields
	// formUnsupported is left to protojson: MessageSets, types that are not
	// resolved, and those with a well-known name that have other fields.
	formUnsupported
)

// wellKnown are the types with a form of their own, with the kinds of their
// fields from number 1 on.
var wellKnown = map[protoreflect.FullName]struct {
	form   form
	fields []protoreflect.Kind
}{
	anyName:                       {formAny, []protoreflect.Kind{protoreflect.StringKind, protoreflect.BytesKind}},
	"google.protobuf.Timestamp":   {formTimestamp, []protoreflect.Kind{protoreflect.Int64Kind, protoreflect.Int32Kind}},
	"google.protobuf.Duration":    {formDuration, []protoreflect.Kind{protoreflect.Int64Kind, protoreflect.Int32Kind}},
	"google.protobuf.FieldMask":   {formFieldMask, []protoreflect.Kind{protoreflect.StringKind}},
	"google.protobuf.BoolValue":   {formWrapper, []protoreflect.Kind{protoreflect.BoolKind}},
	"google.protobuf.Int32Value":  {formWrapper, []protoreflect.Kind{protoreflect.Int32Kind}},
	"google.protobuf.Int64Value":  {formWrapper, []protoreflect.Kind{protoreflect.Int64Kind}},
	"google.protobuf.UInt32Value": {formWrapper, []protoreflect.Kind{protoreflect.Uint32Kind}},
	"google.protobuf.UInt64Value": {formWrapper, []protoreflect.Kind{protoreflect.Uint64Kind}},
	"google.protobuf.FloatValue":  {formWrapper, []protoreflect.Kind{protoreflect.FloatKind}},
	"google.protobuf.DoubleValue": {formWrapper, []protoreflect.Kind{protoreflect.DoubleKind}},
	"google.protobuf.StringValue": {formWrapper, []protoreflect.Kind{protoreflect.StringKind}},
	"google.protobuf.BytesValue":  {formWrapper, []protoreflect.Kind{protoreflect.BytesKind}},
	structName:                    {formStruct, []protoreflect.Kind{protoreflect.MessageKind}},
	listName:                      {formList, []protoreflect.Kind{protoreflect.MessageKind}},
	valueName: {formValue, []protoreflect.Kind{
		protoreflect.EnumKind, protoreflect.DoubleKind, protoreflect.StringKind,
		protoreflect.BoolKind, protoreflect.MessageKind, protoreflect.MessageKind,
	}},
	"google.protobuf.Empty": {formEmpty, nil},
}

// The limits of google.protobuf.Timestamp and google.protobuf.Duration.
const (
	firstTimestamp  = -62_135_596_800 // 0001-01-01T00:00:00Z
	lastTimestamp   = 253_402_300_799 // 9999-12-31T23:59:59Z
	longestDuration = 315_576_000_000 // 10,000 years, in seconds
	maxNanos        = 999_999_999
)

func formOf(descriptor protoreflect.MessageDescriptor) form {
	if descriptor.IsPlaceholder() || isMessageSet(descriptor) {
		return formUnsupported
	}
	known, ok := wellKnown[descriptor.FullName()]
	switch {
	case !ok:
		return formPlain
	case !hasShape(descriptor, known.fields):
		return formUnsupported
	default:
		return known.form
	}
}

// hasShape reports whether a message has exactly fields of these kinds, in
// order, and that they are lists or maps where the well-known type's are.
func hasShape(descriptor protoreflect.MessageDescriptor, kinds []protoreflect.Kind) bool {
	fields, name := descriptor.Fields(), descriptor.FullName()
	if fields.Len() != len(kinds) || descriptor.ExtensionRanges().Len() != 0 {
		return false
	}
	for i, kind := range kinds {
		field := fields.Get(i)
		switch {
		case field.Number() != protoreflect.FieldNumber(i+1),
			field.Kind() != kind,
			field.Cardinality() == protoreflect.Required,
			field.IsMap() != (name == structName),
			field.IsList() != (name == listName || name == "google.protobuf.FieldMask"),
			(field.ContainingOneof() != nil) != (name == valueName):
			return false
		case kind == protoreflect.MessageKind && !holdsWellKnown(field):
			return false
		}
	}
	return true
}

// holdsWellKnown reports whether a field of Struct, ListValue or Value has the
// type that it has in the well-known type.
func holdsWellKnown(field protoreflect.FieldDescriptor) bool {
	switch {
	case field.IsMap():
		return field.MapKey().Kind() == protoreflect.StringKind &&
			field.MapValue().Kind() == protoreflect.MessageKind && field.MapValue().Message().FullName() == valueName
	case field.IsList():
		return field.Message().FullName() == valueName
	case field.Number() == 5:
		return field.Message().FullName() == structName
	default:
		return field.Message().FullName() == listName
	}
}

// isMessageSet reports whether a message has the wire format of proto1's
// MessageSet, which protobuf's descriptors tell by a method of their own.
func isMessageSet(descriptor protoreflect.MessageDescriptor) bool {
	set, ok := descriptor.(interface{ IsMessageSet() bool })
	return ok && set.IsMessageSet()
}
