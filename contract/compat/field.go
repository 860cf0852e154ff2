package compat

import "google.golang.org/protobuf/reflect/protoreflect"

// field compares two fields of the same number.
func (c *checker) field(old, now protoreflect.FieldDescriptor, oneofs *oneofs) {
	switch {
	case old.JSONName() != now.JSONName():
		c.add(FieldJSONNameChanged, old, "the JSON name was %q, is %q", old.JSONName(), now.JSONName())
	case old.Name() != now.Name():
		c.add(FieldRenamed, old, "the name was %q, is %q: JSON may have either name", old.Name(), now.Name())
	}
	if was, is := label(old), label(now); was != is {
		c.add(FieldLabelChanged, old, "it was %s, is %s", was, is)
		return
	}
	if oneofs.changed(old, now) {
		c.add(FieldOneofChanged, old, "it shares its oneof with other fields than before")
	}
	if old.IsMap() {
		c.types(old, old.MapKey(), now.MapKey(), "the key's type")
		c.types(old, old.MapValue(), now.MapValue(), "the value's type")
		return
	}
	c.types(old, old, now, "the type")
}

// label is how many values a field has. Whether a single value's presence is
// known does not matter to either format.
func label(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return "a map"
	case field.IsList():
		return "repeated"
	case field.Cardinality() == protoreflect.Required:
		return "required"
	default:
		return "optional"
	}
}

// types compares the types of two fields, or of the keys or values of two maps,
// on behalf of a field.
func (c *checker) types(field, old, now protoreflect.FieldDescriptor, what string) {
	switch {
	case old.Kind() != now.Kind() && (group[old.Kind()] == 0 || group[old.Kind()] != group[now.Kind()]):
		c.add(FieldTypeChanged, field, "%s was %s, is %s", what, typeName(old), typeName(now))
	case old.Message() != nil && old.Message().FullName() == now.Message().FullName():
		c.message(old.Message(), now.Message())
	case old.Enum() != nil && (old.Enum().FullName() == now.Enum().FullName() || c.contains(now.Enum(), old.Enum())):
		c.enum(old.Enum(), now.Enum())
	case old.Message() != nil, old.Enum() != nil:
		c.add(FieldTypeChanged, field, "%s was %s, is %s", what, typeName(old), typeName(now))
	}
}

// group has the types that read one another's values in both formats, as far as
// the values fit. int32 and int64 are alike on the wire, but JSON writes one as
// a number and the other as a string.
var group = map[protoreflect.Kind]int{
	protoreflect.Int32Kind:    1,
	protoreflect.Uint32Kind:   1,
	protoreflect.Int64Kind:    2,
	protoreflect.Uint64Kind:   2,
	protoreflect.Fixed32Kind:  3,
	protoreflect.Sfixed32Kind: 3,
	protoreflect.Fixed64Kind:  4,
	protoreflect.Sfixed64Kind: 4,
}

// contains reports whether an enum has every value of another one of the same
// short name, so that it can take its place.
func (c *checker) contains(now, old protoreflect.EnumDescriptor) bool {
	if now.Name() != old.Name() {
		return false
	}
	enums := pair{old.FullName(), now.FullName()}
	known, met := c.contained[enums]
	if !met {
		known = containsAll(now, old)
		c.contained[enums] = known
	}
	return known
}

func containsAll(now, old protoreflect.EnumDescriptor) bool {
	for i := range old.Values().Len() {
		value := old.Values().Get(i)
		if same := now.Values().ByName(value.Name()); same == nil || same.Number() != value.Number() {
			return false
		}
	}
	return true
}

func typeName(field protoreflect.FieldDescriptor) string {
	switch {
	case field.Message() != nil && field.Kind() == protoreflect.GroupKind:
		return "delimited " + string(field.Message().FullName())
	case field.Message() != nil:
		return string(field.Message().FullName())
	case field.Enum() != nil:
		return string(field.Enum().FullName())
	default:
		return field.Kind().String()
	}
}
