// Package compat says what a new contract breaks for those who use the old one:
// callers and workers that were built with it, and JSON written for it.
//
// The rules are those of protobuf's binary format and of ProtoJSON together, as
// in buf's category WIRE_JSON. What only breaks generated source code, such as
// a message moved to another file, is no break here. Everything that the
// services reach counts, nothing else does; extensions are not looked at.
package compat

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Rule names what was broken.
type Rule string

// The rules.
const (
	ServiceRemoved         Rule = "SERVICE_REMOVED"
	MethodRemoved          Rule = "METHOD_REMOVED"
	MethodRequestChanged   Rule = "METHOD_REQUEST_CHANGED"
	MethodResponseChanged  Rule = "METHOD_RESPONSE_CHANGED"
	MethodStreamingChanged Rule = "METHOD_STREAMING_CHANGED"
	// MethodIdempotencyWeakened is a warning: calls that were repeated after a
	// worker's death fail instead.
	MethodIdempotencyWeakened Rule = "METHOD_IDEMPOTENCY_WEAKENED"
	FieldRemoved              Rule = "FIELD_REMOVED"
	FieldRenumbered           Rule = "FIELD_RENUMBERED"
	FieldRenamed              Rule = "FIELD_RENAMED"
	FieldJSONNameChanged      Rule = "FIELD_JSON_NAME_CHANGED"
	FieldTypeChanged          Rule = "FIELD_TYPE_CHANGED"
	FieldLabelChanged         Rule = "FIELD_LABEL_CHANGED"
	FieldOneofChanged         Rule = "FIELD_ONEOF_CHANGED"
	FieldRequiredAdded        Rule = "FIELD_REQUIRED_ADDED"
	FieldReservedReused       Rule = "FIELD_RESERVED_REUSED"
	EnumValueRemoved          Rule = "ENUM_VALUE_REMOVED"
	EnumValueRenumbered       Rule = "ENUM_VALUE_RENUMBERED"
	EnumValueRenamed          Rule = "ENUM_VALUE_RENAMED"
	EnumClosedChanged         Rule = "ENUM_CLOSED_CHANGED"
)

// Break is one thing that a new contract breaks.
type Break struct {
	// Rule is what was broken.
	Rule Rule
	// Element is the full name of what broke it, in the old contract if it is
	// there.
	Element protoreflect.FullName
	// File is the file that has, or had, the element.
	File string
	// Detail says what has changed, for people.
	Detail string
	// Warning marks what is worth knowing and no reason to refuse.
	Warning bool
}

// String is the break in one line.
func (b Break) String() string {
	kind := ""
	if b.Warning {
		kind = "warning: "
	}
	return fmt.Sprintf("%s: %s%s: %s: %s", b.File, kind, b.Element, b.Rule, b.Detail)
}

// Lines is breaks as text, one a line.
func Lines(breaks []Break) string {
	lines := make([]string, len(breaks))
	for i, b := range breaks {
		lines[i] = b.String()
	}
	return strings.Join(lines, "\n")
}

// Check compares the services of two contracts, matched by their short names,
// as callers address them. It returns the breaks in the order of the old
// contract, each once, and nil if there is none. Its time is linear.
func Check(before, after []protoreflect.ServiceDescriptor) []Break {
	c := &checker{
		seen:      make(map[pair]bool),
		contained: make(map[pair]bool),
	}
	byName := make(map[protoreflect.Name]protoreflect.ServiceDescriptor, len(after))
	for _, service := range after {
		byName[service.Name()] = service
	}
	for _, old := range before {
		now := byName[old.Name()]
		if now == nil {
			c.add(ServiceRemoved, old, "the service is gone")
			continue
		}
		c.service(old, now)
	}
	return c.breaks
}

// Breaking leaves warnings out. It is empty if the new contract is a compatible
// successor of the old one.
func Breaking(breaks []Break) []Break {
	return slices.DeleteFunc(slices.Clone(breaks), func(b Break) bool { return b.Warning })
}

// checker gathers breaks.
type checker struct {
	breaks []Break
	// seen has the messages and enums that were compared, contained whether the
	// second of two enums has all values of the first.
	seen, contained map[pair]bool
}

// pair names an old type and the one that is in its place: an enum may give way
// to different ones in different fields.
type pair struct{ old, now protoreflect.FullName }

func (c *checker) add(rule Rule, element protoreflect.Descriptor, format string, arguments ...any) {
	c.breaks = append(c.breaks, Break{
		Rule:    rule,
		Element: element.FullName(),
		File:    element.ParentFile().Path(),
		Detail:  fmt.Sprintf(format, arguments...),
	})
}

// first reports whether two types are met for the first time. Protobuf's own
// types never are: they do not change.
func (c *checker) first(old, now protoreflect.Descriptor) bool {
	met := pair{old.FullName(), now.FullName()}
	if c.seen[met] || met.old.Parent() == "google.protobuf" {
		return false
	}
	c.seen[met] = true
	return true
}
