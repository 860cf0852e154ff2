package transcode_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/transcode"
)

// Fields of all wire types, to build messages that no encoder writes.

func number(field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), value)
}

func delimited(field protowire.Number, content ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), bytes.Join(content, nil))
}

func text(field protowire.Number, content string) []byte { return delimited(field, []byte(content)) }

func group(field protowire.Number, content ...[]byte) []byte {
	return protowire.AppendGroup(protowire.AppendTag(nil, field, protowire.StartGroupType), field, bytes.Join(content, nil))
}

// TestIrregularWire has messages as other encoders write them, which are
// converted like any other, and as hardly any does, which fall back.
func TestIrregularWire(t *testing.T) {
	tests := map[string]struct {
		message  string
		wire     [][]byte
		fallback bool
	}{
		"fields out of order":           {message: "Scalars", wire: [][]byte{text(14, "x"), number(3, 1), number(13, 1), number(4, 9)}},
		"numbers unlike the order":      {message: "Names", wire: [][]byte{number(13, 1), number(14, 2), number(17, 3), delimited(15, number(16, 1), number(7, 1))}},
		"oneof last, as Go writes it":   {message: "Choices", wire: [][]byte{text(31, "x"), number(21, 1), text(2, "y")}},
		"zero, out of order":            {message: "Scalars", wire: [][]byte{text(14, "x"), number(3, 0)}},
		"zero":                          {message: "Scalars", wire: [][]byte{number(3, 0), number(16, 0), text(14, ""), text(15, "")}},
		"zero after 32 bits":            {message: "Scalars", wire: [][]byte{number(3, 1<<32), number(5, 1<<40), number(16, 1<<33)}},
		"map out of order":              {message: "Maps", wire: [][]byte{delimited(12, text(1, "b"), text(2, "1")), delimited(12, text(1, "a"), text(2, "2")), delimited(12, text(1, ""), text(2, "3"))}},
		"long keys alike":               {message: "Maps", wire: [][]byte{delimited(12, text(1, "prefix-of-keys-b")), delimited(12, text(1, "prefix-of-keys-a")), delimited(12, text(1, "prefix-of-keys"))}},
		"keys that end in NUL":          {message: "Maps", wire: [][]byte{delimited(12, text(1, "a\x00")), delimited(12, text(1, "a"))}},
		"negative keys out of order":    {message: "Maps", wire: [][]byte{delimited(5, number(1, 2)), delimited(5, number(1, 1)), delimited(5, number(1, 0))}},
		"value before key":              {message: "Maps", wire: [][]byte{delimited(12, text(2, "v"), text(1, "k"))}},
		"entries without key and value": {message: "Maps", wire: [][]byte{delimited(1), delimited(11), delimited(12), delimited(16), delimited(17), delimited(18)}},
		"unknown in an entry":           {message: "Maps", wire: [][]byte{delimited(12, number(9, 1), text(1, "k"), number(9, 1), text(2, "v"), number(9, 1))}},
		"packed list, one by one":       {message: "Lists", wire: [][]byte{number(3, 1), number(3, 2)}},
		"list one by one, packed":       {message: "Lists", wire: [][]byte{delimited(18, []byte{1, 2, 3})}},
		"list packed in parts":          {message: "Lists", wire: [][]byte{delimited(3, []byte{1, 2}), number(3, 3), delimited(3), delimited(3, []byte{4})}},
		"empty packed list":             {message: "Lists", wire: [][]byte{delimited(3)}},
		"unknown fields":                {message: "Scalars", wire: [][]byte{number(1000, 1), number(3, 1), text(1001, "x"), group(1002, number(1, 1), group(7)), number(4, 1)}},
		"another wire type":             {message: "Scalars", wire: [][]byte{text(3, "x"), number(14, 1), number(4, 1)}},
		"long tags and lengths":         {message: "Scalars", wire: [][]byte{{0x98, 0x80, 0}, {0x81, 0}, {0xf2, 0}, {0x81, 0}, []byte("x")}},
		"groups":                        {message: "Legacy", wire: [][]byte{group(21, number(1, 1), group(3, text(1, "x"))), group(22), group(22, text(1, "y"))}},
		"open enum, unknown number":     {message: "Scalars", wire: [][]byte{number(16, 77)}},
		"wrapper around zero":           {message: "Int64Value", wire: [][]byte{number(1, 0)}},

		"field twice":               {message: "Scalars", wire: [][]byte{number(3, 1), number(3, 2)}, fallback: true},
		"field twice, zero then":    {message: "Scalars", wire: [][]byte{number(3, 1), text(14, "x"), number(3, 0)}, fallback: true},
		"field thrice, apart":       {message: "Scalars", wire: [][]byte{number(4, 1), number(3, 1), number(4, 2), number(3, 2), number(4, 3)}, fallback: true},
		"message twice":             {message: "Scalars", wire: [][]byte{delimited(17, number(3, 1)), delimited(17, number(4, 1))}, fallback: true},
		"oneof switched":            {message: "Choices", wire: [][]byte{number(1, 1), text(2, "x")}, fallback: true},
		"map key twice":             {message: "Maps", wire: [][]byte{delimited(12, text(1, "k"), text(2, "1")), delimited(12, text(1, "k"), text(2, "2"))}, fallback: true},
		"map key twice, apart":      {message: "Maps", wire: [][]byte{delimited(1, number(1, 5)), delimited(1, number(1, 3)), delimited(1, number(1, 5))}, fallback: true},
		"list around another field": {message: "Lists", wire: [][]byte{number(3, 1), number(4, 1), number(3, 2)}, fallback: true},
		"closed enum, unknown":      {message: "Legacy", wire: [][]byte{number(7, 77)}, fallback: true},
		"extension":                 {message: "Legacy", wire: [][]byte{number(100, 1)}, fallback: true},
		"unset Value, filled later": {message: "Value", wire: [][]byte{number(4, 1), text(3, "x")}, fallback: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wire := bytes.Join(test.wire, nil)
			for options := range byte(16) {
				c := converterFor(t, indexOf(t, test.message), options)
				before := c.Fallbacks()
				if _, err := c.compareJSON(wire); err != nil {
					t.Error(err)
				}
				if fellBack := c.Fallbacks() > before; fellBack != test.fallback {
					t.Errorf("options %+v: fell back: %v", c.options, fellBack)
				}
			}
		})
	}
}

// TestDepthInAny has an empty list and an empty object at the limit, and beyond.
func TestDepthInAny(t *testing.T) {
	for _, held := range []string{"ListValue", "Struct", "Any", "Empty"} {
		wire := text(1, "type.googleapis.com/google.protobuf."+held)
		for range shallowDepth + 1 {
			c := converterFor(t, indexOf(t, "Any"), 16)
			if _, err := c.compareJSON(wire); err != nil {
				t.Errorf("%s: %v", held, err)
			}
			wire = slices.Concat(text(1, "type.googleapis.com/google.protobuf.Any"), delimited(2, wire))
		}
	}
}

// TestShuffledWire has messages whose fields and map entries come in any order.
func TestShuffledWire(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		for _, name := range []string{"Scalars", "Lists", "Maps", "Choices", "Names"} {
			c := converterFor(t, indexOf(t, name), byte(random.IntN(16)))
			maker := messageMaker{Rand: random, types: testContracts(t).types, budget: 30}
			wire, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(maker.make(c.Descriptor()))
			if err != nil {
				continue // There is text that is not UTF-8 in it.
			}
			before := c.Fallbacks()
			wire = shuffled(random, c.Descriptor(), wire)
			if _, err := c.compareJSON(wire); err != nil {
				t.Fatal(err)
			}
			if c.Fallbacks() != before {
				t.Fatalf("%s fell back: %x", name, wire)
			}
		}
	}
}

// shuffled is a message with its fields in any order, and likewise the entries
// of each map.
func shuffled(random *rand.Rand, descriptor protoreflect.MessageDescriptor, wire []byte) []byte {
	fields := map[protowire.Number][][]byte{}
	var numbers []protowire.Number
	for len(wire) > 0 {
		number, _, size := protowire.ConsumeField(wire)
		if fields[number] == nil {
			numbers = append(numbers, number)
		}
		fields[number] = append(fields[number], wire[:size])
		wire = wire[size:]
	}
	random.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	var out []byte
	for _, number := range numbers {
		if field := descriptor.Fields().ByNumber(number); field.IsMap() {
			random.Shuffle(len(fields[number]), func(i, j int) {
				fields[number][i], fields[number][j] = fields[number][j], fields[number][i]
			})
		}
		out = append(out, slices.Concat(fields[number]...)...)
	}
	return out
}

// TestNoAllocationInAny is TestNoAllocation for a message inside an Any, with
// types that the program has.
func TestNoAllocationInAny(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	message, err := transcode.New((*anypb.Any)(nil).ProtoReflect().Descriptor(), transcode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wire := slices.Concat(text(1, "type.googleapis.com/google.protobuf.Timestamp"), delimited(2, number(1, 1_700_000_000)))
	buffer := make([]byte, 0, 1000)
	run := func() {
		if _, err := message.AppendJSON(buffer, wire); err != nil {
			t.Error(err)
		}
	}
	if allocations := testing.AllocsPerRun(200, run); allocations > 0 {
		t.Errorf("%g allocations", allocations)
	}
}

// TestNoAllocationForRareThings is TestNoAllocation for what needs scratch.
func TestNoAllocationForRareThings(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	tests := map[string]struct {
		message string
		wire    [][]byte
	}{
		"shuffled fields": {"Scalars", [][]byte{text(14, "x"), number(3, 1), number(13, 1)}},
		"shuffled map":    {"Maps", [][]byte{delimited(12, text(1, "c")), delimited(12, text(1, "b")), delimited(12, text(1, "a"))}},
		"well-known": {"WellKnown", [][]byte{
			delimited(2, number(1, 1_700_000_000)), delimited(3, number(1, 90)), delimited(4, text(1, "a_b")),
			delimited(5, delimited(1, text(1, "k"), delimited(2, number(4, 1)))), delimited(13, number(1, 1)),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := converterFor(t, indexOf(t, test.message), 0)
			wire, buffer := bytes.Join(test.wire, nil), make([]byte, 0, 1000)
			run := func() {
				if _, err := c.AppendJSON(buffer, wire); err != nil {
					t.Error(err)
				}
			}
			if allocations := testing.AllocsPerRun(200, run); allocations > 0 {
				t.Errorf("%g allocations", allocations)
			}
		})
	}
}
