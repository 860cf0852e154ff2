package transcode

import "google.golang.org/protobuf/reflect/protoreflect"

// jsonCost bounds what the fallback makes of a message: about the length of its
// JSON, and the message objects on the way. The protobuf library has no bound on
// either. Its methods do nothing for nil.
type jsonCost struct {
	left        int
	unpopulated bool  // fields that are not set are written
	err         error // what is said when nothing is left

	names  map[protoreflect.MessageDescriptor]int // the lengths of all names of their fields
	values map[protoreflect.EnumDescriptor]int    // the lengths of their longest names
}

// What things cost besides their texts: a message object, and a value with its
// quotes and comma.
const (
	messageCost = 100
	valueCost   = 24
)

func (c *jsonCost) take(cost int) error {
	if c.left -= cost; c.left < 0 {
		return c.err
	}
	return nil
}

// message takes what a message costs without its fields.
func (c *jsonCost) message(descriptor protoreflect.MessageDescriptor) error {
	if c == nil {
		return nil
	}
	cost := messageCost
	if c.unpopulated {
		cost += c.allNames(descriptor)
	}
	return c.take(cost)
}

// field takes what a field costs that is on the wire; content is what it holds,
// unless it is a scalar. A message in it is taken by itself.
func (c *jsonCost) field(field protoreflect.FieldDescriptor, content []byte) error {
	if c == nil {
		return nil
	}
	cost := len(field.JSONName()) + valueCost
	switch {
	case field.Message() != nil:
	case field.Enum() != nil:
		cost += (len(content) + 1) * (c.longestName(field.Enum()) + len(`"",`))
	default:
		cost += 4 * len(content)
	}
	return c.take(cost)
}

func (c *jsonCost) allNames(descriptor protoreflect.MessageDescriptor) int {
	length, known := c.names[descriptor]
	if known {
		return length
	}
	for i := range descriptor.Fields().Len() {
		length += len(descriptor.Fields().Get(i).JSONName()) + valueCost
	}
	if c.names == nil {
		c.names = map[protoreflect.MessageDescriptor]int{}
	}
	c.names[descriptor] = length
	return length
}

func (c *jsonCost) longestName(enum protoreflect.EnumDescriptor) int {
	longest, known := c.values[enum]
	if known {
		return longest
	}
	for i := range enum.Values().Len() {
		longest = max(longest, len(enum.Values().Get(i).Name()))
	}
	if c.values == nil {
		c.values = map[protoreflect.EnumDescriptor]int{}
	}
	c.values[enum] = longest
	return longest
}
