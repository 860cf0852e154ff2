package compat

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// message compares two messages of the same name, once, and all that they
// reach.
func (c *checker) message(old, now protoreflect.MessageDescriptor) {
	if !c.first(old, now) {
		return
	}
	oneofs := oneofsOf(old, now)
	for i := range old.Fields().Len() {
		field := old.Fields().Get(i)
		if found := now.Fields().ByNumber(field.Number()); found != nil {
			c.field(field, found, oneofs)
		} else {
			c.removed(field, now)
		}
	}
	for i := range now.Fields().Len() {
		if field := now.Fields().Get(i); old.Fields().ByNumber(field.Number()) == nil {
			c.added(field, old)
		}
	}
}

// removed takes a field whose number is gone.
func (c *checker) removed(field protoreflect.FieldDescriptor, now protoreflect.MessageDescriptor) {
	if moved := now.Fields().ByName(field.Name()); moved != nil {
		c.add(FieldRenumbered, field, "the number was %d, is %d", field.Number(), moved.Number())
		return
	}
	reserved := "reserve both, so that they are not used again"
	if now.ReservedRanges().Has(field.Number()) && now.ReservedNames().Has(field.Name()) {
		reserved = "both are reserved"
	}
	c.add(FieldRemoved, field, "the field with number %d and name %q is gone; %s", field.Number(), field.Name(), reserved)
}

// added takes a field whose number is new.
func (c *checker) added(field protoreflect.FieldDescriptor, old protoreflect.MessageDescriptor) {
	if field.Cardinality() == protoreflect.Required {
		c.add(FieldRequiredAdded, field, "the field is new and required: messages without it are refused")
	}
	if old.ReservedRanges().Has(field.Number()) {
		c.add(FieldReservedReused, field, "the number %d was reserved", field.Number())
	}
	if old.ReservedNames().Has(field.Name()) {
		c.add(FieldReservedReused, field, "the name %q was reserved", field.Name())
	}
}

// enum compares two enums, once.
func (c *checker) enum(old, now protoreflect.EnumDescriptor) {
	if !c.first(old, now) {
		return
	}
	if old.IsClosed() != now.IsClosed() {
		c.add(EnumClosedChanged, old, "%s: what happens to unknown values has changed", wasIs("closed", "open", old.IsClosed()))
	}
	for i := range old.Values().Len() {
		value := old.Values().Get(i)
		same := now.Values().ByName(value.Name())
		switch {
		case same != nil && same.Number() == value.Number():
		case same != nil:
			c.add(EnumValueRenumbered, value, "the number was %d, is %d", value.Number(), same.Number())
		case now.Values().ByNumber(value.Number()) != nil:
			c.add(EnumValueRenamed, value, "the value %d was named %s, is named %s",
				value.Number(), value.Name(), now.Values().ByNumber(value.Number()).Name())
		default:
			c.add(EnumValueRemoved, value, "the value %d is gone", value.Number())
		}
	}
}

// wasIs says which of two it was and that it is now the other.
func wasIs(first, second string, wasFirst bool) string {
	if wasFirst {
		return "it was " + first + ", is " + second
	}
	return "it was " + second + ", is " + first
}
