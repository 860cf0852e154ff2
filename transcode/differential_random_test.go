package transcode_test

import (
	"math"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// messageMaker makes messages with random content that is mostly valid and
// often at an edge. The budget bounds how many fields are set in all.
type messageMaker struct {
	*rand.Rand

	types  *dynamicpb.Types
	budget int
}

func (m *messageMaker) make(descriptor protoreflect.MessageDescriptor) *dynamicpb.Message {
	message := dynamicpb.NewMessage(descriptor)
	m.fill(message, 0)
	return message
}

// oneIn is true once in so many times.
func (m *messageMaker) oneIn(n int) bool { return m.IntN(n) == 0 }

func (m *messageMaker) fill(message protoreflect.Message, depth int) {
	if m.fillWellKnown(message, depth) {
		return
	}
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); field.Cardinality() == protoreflect.Required && !m.oneIn(20) {
			m.set(message, field, depth)
		}
	}
	wanted := m.IntN(6)
	for i := 0; i < wanted && fields.Len() > 0 && m.budget > 0; i++ {
		m.set(message, fields.Get(m.IntN(fields.Len())), depth)
	}
	if message.Descriptor().ExtensionRanges().Len() > 0 && m.oneIn(2) {
		m.extend(message, depth)
	}
}

func (m *messageMaker) extend(message protoreflect.Message, depth int) {
	var extensions []protoreflect.ExtensionType
	for number := protoreflect.FieldNumber(100); number < 130; number++ {
		if extension, err := m.types.FindExtensionByNumber(message.Descriptor().FullName(), number); err == nil {
			extensions = append(extensions, extension)
		}
		if extension, err := m.types.FindExtensionByNumber(message.Descriptor().FullName(), number+900); err == nil {
			extensions = append(extensions, extension)
		}
	}
	for range 1 + m.IntN(2) {
		m.set(message, extensions[m.IntN(len(extensions))].TypeDescriptor(), depth)
	}
}

func (m *messageMaker) set(message protoreflect.Message, field protoreflect.FieldDescriptor, depth int) {
	if field.Message() != nil && !field.IsMap() && (depth > 8 || m.budget <= 0) && field.Cardinality() != protoreflect.Required {
		return
	}
	m.budget--
	switch {
	case field.IsMap():
		entries := message.Mutable(field).Map()
		for range m.size() {
			key := m.scalar(field.MapKey()).MapKey()
			if field.MapValue().Message() != nil {
				m.fill(entries.Mutable(key).Message(), depth+1)
			} else {
				entries.Set(key, m.scalar(field.MapValue()))
			}
		}
	case field.IsList():
		list := message.Mutable(field).List()
		for range m.size() {
			if field.Message() != nil {
				m.fill(list.AppendMutable().Message(), depth+1)
			} else {
				list.Append(m.scalar(field))
			}
		}
	case field.Message() != nil:
		m.fill(message.Mutable(field).Message(), depth+1)
	default:
		message.Set(field, m.scalar(field))
	}
}

// size is of a list or map: small, but for a few.
func (m *messageMaker) size() int {
	if m.oneIn(60) {
		return m.IntN(100)
	}
	return m.IntN(4)
}

var (
	edgeInts = []int64{
		0, 1, -1, 2, 7, 127, 128, -128, 300, 16383, 16384, 65535, 1e6, 1e9, 1e15, 1 << 53, 1<<53 + 1, -(1 << 53) - 1,
		math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxInt64, math.MinInt64,
	}
	edgeFloats = []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1.5, -2.25, 1e20, 1e21, 1e22, 123456789012345678, 1e-6, 1e-7, 1.0 / 3,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxFloat32, math.SmallestNonzeroFloat32, 16777217,
		math.NaN(), math.Inf(1), math.Inf(-1),
	}
	edgeStrings = []string{
		"", "a", "plain text", "with \"quotes\" and \\ and /", "tab\tnew\nline\rbell\a\b\f\v\x00\x1f\x7f", "é", "微信", "😀",
		"\u2028\u2029", "<&>'", "\ufeff", "\ufffd", "\ufffe\uffff", "NaN", "Infinity", "null", "1", "-1", "1e3", "true", "@type", "[x.y]",
		strings.Repeat("long ", 30), strings.Repeat("é", 64), strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("x\n", 9000),
	}
)

func (m *messageMaker) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	integer := edgeInts[m.IntN(len(edgeInts))]
	if m.oneIn(3) {
		integer = int64(m.Uint64()) >> m.IntN(64)
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(m.oneIn(2))
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		if m.oneIn(10) {
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(integer))
		}
		return protoreflect.ValueOfEnum(values.Get(m.IntN(values.Len())).Number())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(integer))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(integer))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(integer)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(integer))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(m.float(32)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(m.float(64))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(m.text()))
	default:
		text := m.text()
		if m.oneIn(200) {
			text += "\xff" // proto.Marshal refuses it, unless the field's features say otherwise.
		}
		return protoreflect.ValueOfString(text)
	}
}

func (m *messageMaker) float(bits int) float64 {
	switch m.IntN(3) {
	case 0:
		return edgeFloats[m.IntN(len(edgeFloats))]
	case 1:
		return float64(m.IntN(2_000_000)-1_000_000) / 1000
	default:
		if bits == 32 {
			return float64(math.Float32frombits(m.Uint32()))
		}
		return math.Float64frombits(m.Uint64())
	}
}

func (m *messageMaker) text() string {
	if m.oneIn(40) { // The lengths around which lengths need another byte.
		return strings.Repeat("x", []int{90, 16_340}[m.IntN(2)/(1+m.IntN(4))]+m.IntN(50))
	}
	if m.oneIn(2) {
		return edgeStrings[m.IntN(len(edgeStrings)-m.IntN(2))] // The last is long: seldom.
	}
	var text strings.Builder
	for range m.IntN(20) {
		switch m.IntN(8) {
		case 0:
			text.WriteRune(rune(m.IntN(0x20)))
		case 1:
			text.WriteRune(rune(m.IntN(0xd800)))
		case 2:
			text.WriteRune(rune(0x10000 + m.IntN(0x100000)))
		default:
			text.WriteByte(byte(0x20 + m.IntN(0x5f)))
		}
	}
	return text.String()
}

// fillWellKnown fills the messages whose JSON is a form of its own, mostly
// within what that form can say.
func (m *messageMaker) fillWellKnown(message protoreflect.Message, depth int) bool {
	descriptor := message.Descriptor()
	if descriptor.FullName().Parent() != "google.protobuf" {
		return false
	}
	fields := descriptor.Fields()
	switch descriptor.Name() {
	case "Timestamp":
		seconds := -62135596800 + m.Int64N(253402300800+62135596800)
		m.setTime(message, seconds, m.nanos())
	case "Duration":
		seconds, nanos := m.Int64N(315576000001)>>m.IntN(40), m.nanos()
		if m.oneIn(2) {
			seconds, nanos = -seconds, -nanos
		}
		m.setTime(message, seconds, nanos)
	case "FieldMask":
		paths := message.Mutable(fields.ByName("paths")).List()
		for range m.IntN(4) {
			paths.Append(protoreflect.ValueOfString(m.maskPath()))
		}
	case "Any":
		m.fillAny(message, depth)
	case "Value":
		if depth > 12 {
			message.Set(fields.ByName("bool_value"), protoreflect.ValueOfBool(true))
			return true
		}
		if field := fields.Get(m.IntN(fields.Len())); !m.oneIn(50) {
			m.setKind(message, field, depth)
		}
	default:
		return false
	}
	return true
}

// setKind chooses the kind of a google.protobuf.Value. Numbers are finite but
// for a few: JSON has no others.
func (m *messageMaker) setKind(message protoreflect.Message, field protoreflect.FieldDescriptor, depth int) {
	switch {
	case field.Kind() == protoreflect.DoubleKind && !m.oneIn(50):
		message.Set(field, protoreflect.ValueOfFloat64(float64(m.IntN(1_000_000))/float64(1+m.IntN(1000))))
	case field.Message() == nil:
		message.Set(field, m.scalar(field))
	default:
		m.fill(message.Mutable(field).Message(), depth+1)
	}
}

func (m *messageMaker) setTime(message protoreflect.Message, seconds int64, nanos int32) {
	if m.oneIn(20) {
		seconds = edgeInts[m.IntN(len(edgeInts))]
	}
	if m.oneIn(40) {
		nanos = int32(edgeInts[m.IntN(len(edgeInts))])
	}
	fields := message.Descriptor().Fields()
	message.Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(seconds))
	message.Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(nanos))
}

// nanos has none, three, six or nine digits that count.
func (m *messageMaker) nanos() int32 {
	unit := []int32{1e9, 1e6, 1e3, 1}[m.IntN(4)]
	return m.Int32N(1e9) / unit * unit
}

func (m *messageMaker) maskPath() string {
	paths := []string{"a", "foo_bar", "foo.bar_baz", "x1", "a_1", "A", "fooBar", "_a", "a_", "a__b", "", ".", "foo,bar", "é"}
	if !m.oneIn(5) {
		paths = paths[:4]
	}
	return paths[m.IntN(len(paths))]
}

func (m *messageMaker) fillAny(message protoreflect.Message, depth int) {
	if depth > 8 || m.oneIn(10) {
		return
	}
	name := comparedMessages[m.IntN(len(comparedMessages))]
	held, err := m.types.FindMessageByName(name)
	if err != nil {
		return
	}
	inner := held.New()
	m.fill(inner, depth+1)
	wire, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(inner.Interface())
	if err != nil {
		return
	}
	prefix := "type.googleapis.com/"
	if m.oneIn(10) {
		prefix = []string{"", "/", "x.test/", "https://x.test/a/b/"}[m.IntN(4)]
	}
	fields := message.Descriptor().Fields()
	message.Set(fields.ByName("type_url"), protoreflect.ValueOfString(prefix+string(name)))
	message.Set(fields.ByName("value"), protoreflect.ValueOfBytes(wire))
}
