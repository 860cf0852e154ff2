package transcode

import (
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// field is a field of a message, or the key or value of a map.
type field struct {
	descriptor protoreflect.FieldDescriptor
	number     protowire.Number
	index      int // in table.fields
	kind       protoreflect.Kind
	name       string // in the .proto file; of groups, in their message's style
	jsonName   string

	// wireType is that of one value, even where the field is packed.
	wireType protowire.Type
	// tag precedes each value, or the one packed list, or each map entry. A
	// group ends with endTag.
	tag, endTag string

	list   bool // repeated, and not a map
	packed bool
	// presence: the field is written even if it has its zero value.
	presence bool
	required bool
	// nullable: null in JSON is a value of the field, not its absence.
	nullable bool

	// maxPositive and maxNegative bound the magnitude of an integer.
	maxPositive, maxNegative uint64

	bit   int // in what tells the fields that were seen
	oneof int // likewise, for the oneof that the field is in; 0: in none

	key, value *field     // of a map; nil otherwise
	enum       *enumTable // of enums; nil otherwise
	message    *lazyTable // of messages and groups; nil otherwise

	// rawKey is the JSON name between quotes and with its colon, as it stands in
	// most JSON. It is empty where JSON must escape the name.
	rawKey string
}

func (f *field) isMap() bool { return f.key != nil }

func (t *tables) compileField(descriptor protoreflect.FieldDescriptor) field {
	f := field{
		descriptor: descriptor,
		number:     descriptor.Number(),
		kind:       descriptor.Kind(),
		name:       descriptor.TextName(),
		jsonName:   descriptor.JSONName(),
		wireType:   wireTypeOf(descriptor.Kind()),
		list:       descriptor.IsList(),
		packed:     descriptor.IsPacked(),
		presence:   descriptor.HasPresence(),
		required:   descriptor.Cardinality() == protoreflect.Required,
		nullable:   isNullable(descriptor),
	}
	if isPlain(f.jsonName) && !isBracketed([]byte(f.jsonName)) {
		f.rawKey = `"` + f.jsonName + `":`
	}
	f.maxPositive, f.maxNegative = integerLimits(f.kind)
	first := f.wireType
	if f.packed {
		first = protowire.BytesType
	}
	f.tag = string(protowire.AppendTag(nil, f.number, first))
	if f.wireType == protowire.StartGroupType {
		f.endTag = string(protowire.AppendTag(nil, f.number, protowire.EndGroupType))
	}
	if descriptor.IsMap() {
		key, value := t.compileField(descriptor.MapKey()), t.compileField(descriptor.MapValue())
		f.key, f.value = &key, &value
		return f
	}
	if enum := descriptor.Enum(); enum != nil {
		f.enum = t.enum(enum)
	}
	if message := descriptor.Message(); message != nil {
		f.message = &lazyTable{descriptor: message, tables: t}
	}
	return f
}

// isNullable reports whether null is one of the values of a field's type.
func isNullable(descriptor protoreflect.FieldDescriptor) bool {
	if message := descriptor.Message(); message != nil {
		return message.FullName() == valueName
	}
	return descriptor.Enum() != nil && descriptor.Enum().FullName() == nullValueName
}

const nullValueName protoreflect.FullName = "google.protobuf.NullValue"

// isPlain reports whether a name stands in JSON as it is, between quotes.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(name)
}

// indexNames makes every name that JSON may use for a field find it. A JSON
// name wins over another field's original name.
func (t *table) indexNames() {
	t.names = make(map[string]*field, 2*len(t.fields))
	fields := t.descriptor.Fields()
	for i := range t.fields {
		f := &t.fields[i]
		for _, name := range []string{f.jsonName, f.name, strings.ToLower(f.jsonName), strings.ToLower(f.name)} {
			found := fields.ByJSONName(name)
			if found == nil {
				found = fields.ByTextName(name)
			}
			if found != nil {
				t.names[name] = t.field(found.Number())
			}
		}
	}
}

// integerLimits are the largest magnitudes of a kind's numbers.
func integerLimits(kind protoreflect.Kind) (positive, negative uint64) {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.EnumKind:
		return math.MaxInt32, 1 << 31
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return math.MaxInt64, 1 << 63
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return math.MaxUint32, 0
	default:
		return math.MaxUint64, 0
	}
}

func wireTypeOf(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	default:
		return protowire.VarintType
	}
}

// enumTable is an enum, compiled.
type enumTable struct {
	byName map[string]int32
	// numbered has the names of small numbers, named those of the others. Of
	// several names for a number it is the first.
	numbered []string
	named    map[int32]string
	closed   bool
	null     bool // google.protobuf.NullValue

	// texts are the JSON of small numbers, as far as they have names.
	texts      []string
	useNumbers bool // instead of names, in JSON
}

// nameOf is the name of a value, or "" when the enum has none for it.
func (e *enumTable) nameOf(number int32) string {
	if number >= 0 && int(number) < len(e.numbered) {
		return e.numbered[number]
	}
	return e.named[number]
}

// enum is the table of that type. It needs the lock.
func (t *tables) enum(descriptor protoreflect.EnumDescriptor) *enumTable {
	if known := t.enums[descriptor]; known != nil {
		return known
	}
	values := descriptor.Values()
	made := &enumTable{
		byName:   make(map[string]int32, values.Len()),
		numbered: make([]string, min(values.Len(), math.MaxUint8)),
		named:    map[int32]string{},
		closed:   descriptor.IsClosed(),
		null:     descriptor.FullName() == nullValueName,
	}
	for i := range values.Len() {
		name, number := string(values.Get(i).Name()), int32(values.Get(i).Number())
		made.byName[name] = number
		switch {
		case made.nameOf(number) != "":
		case number >= 0 && int(number) < len(made.numbered):
			made.numbered[number] = name
		default:
			made.named[number] = name
		}
	}
	made.renderJSON(t.options.UseEnumNumbers)
	if t.enums == nil {
		t.enums = map[protoreflect.EnumDescriptor]*enumTable{}
	}
	t.enums[descriptor] = made
	return made
}
