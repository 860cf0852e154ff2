package transcode

import (
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// jsonTable is what writing a message as JSON needs of its table, with all text
// that does not depend on the message rendered in advance.
type jsonTable struct {
	form   form
	fields []jsonField // in the order of their declaration, and of the JSON

	numbered []*jsonField
	numbers  map[uint64]*jsonField
	// tagged has the fields by the tags of one byte that they accept.
	tagged []*jsonField

	required uint64 // the bits of the required fields

	// name and extensions tell whether an unknown field may be an extension.
	name       protoreflect.FullName
	extensions protoreflect.FieldRanges // nil: none
}

// jsonField is a field of a jsonTable, or the key or value of a map.
type jsonField struct {
	key      string   // `,"name":`
	shortKey [24]byte // the same, if it is no longer
	number   uint64
	kind     protoreflect.Kind
	wireType uint64
	shape    shape
	packable bool
	index    int
	bit      uint64 // of a required field, or of the oneof that the field is in

	// zero is a scalar's zero value. A map's value has it if its entry does not
	// say, a field that omits it is then not written.
	zero      string
	omitsZero bool
	// unpopulated is written where the field is not on the wire.
	unpopulated string

	enum             *enumTable // of enums; nil otherwise
	message          *lazyTable // of messages and groups; nil otherwise
	mapKey, mapValue *jsonField // of a map; nil otherwise
}

// shape is how often a field may occur.
type shape uint8

const (
	singular shape = iota
	repeated
	keyed // a map
)

func (t *jsonTable) field(number uint64) *jsonField {
	if number < uint64(len(t.numbered)) {
		return t.numbered[number]
	}
	return t.numbers[number]
}

// taggedField is the field that accepts a tag: nil if there is none, or the tag
// is longer than a byte.
func (t *jsonTable) taggedField(tag uint64) *jsonField {
	if tag < uint64(len(t.tagged)) {
		return t.tagged[tag]
	}
	return nil
}

// json renders what a table needs to be written as JSON.
func (t *tables) json(of *table) *jsonTable {
	made := &jsonTable{form: of.form, name: of.descriptor.FullName(), fields: make([]jsonField, len(of.fields))}
	if ranges := of.descriptor.ExtensionRanges(); ranges.Len() > 0 {
		made.extensions = ranges
	}
	made.numbered = make([]*jsonField, len(of.numbered))
	if len(of.numbers) > 0 {
		made.numbers = make(map[uint64]*jsonField, len(of.numbers))
	}
	for i := range of.fields {
		f := &made.fields[i]
		if *f = t.jsonField(&of.fields[i]); f.key == "" {
			made.form = formUnsupported
		}
		if f.number < uint64(len(made.numbered)) {
			made.numbered[f.number] = f
		} else {
			made.numbers[f.number] = f
		}
	}
	made.tagged = make([]*jsonField, min(8*len(made.numbered), 128))
	for tag := range made.tagged {
		if f := made.field(uint64(tag) >> 3); f.accepts(uint64(tag)) {
			made.tagged[tag] = f
		}
	}
	if !made.assignBits(of) {
		made.form = formUnsupported
	}
	return made
}

// assignBits gives a bit to each required field and each oneof. It reports
// whether there are enough.
func (t *jsonTable) assignBits(of *table) (enough bool) {
	bits := 0
	for i := range of.fields {
		// Synthetic oneofs, of one optional field each, are after all others.
		if in := of.fields[i].descriptor.ContainingOneof(); in != nil && !in.IsSynthetic() {
			t.fields[i].bit = 1 << in.Index()
			bits = max(bits, in.Index()+1)
		}
	}
	for i := range of.fields {
		if of.fields[i].required {
			t.fields[i].bit = 1 << bits
			t.required |= 1 << bits
			bits++
		}
	}
	return bits <= 64
}

// jsonField renders a field. It has no key if the name is not UTF-8.
func (t *tables) jsonField(of *field) jsonField {
	name := of.jsonName
	if t.options.UseProtoNames {
		name = of.name
	}
	key, valid := appendQuoted([]byte{','}, []byte(name))
	if !valid {
		return jsonField{number: uint64(of.number)}
	}
	f := jsonField{
		key:      string(append(key, ':')),
		number:   uint64(of.number),
		kind:     of.kind,
		wireType: uint64(of.wireType),
		index:    of.index,
		enum:     of.enum,
		message:  of.message,
		zero:     zeroText(of),
	}
	copy(f.shortKey[:], f.key)
	switch {
	case of.isMap():
		f.shape = keyed
		mapKey, mapValue := t.jsonField(of.key), t.jsonField(of.value)
		f.mapKey, f.mapValue = &mapKey, &mapValue
	case of.list:
		f.shape = repeated
		f.packable = f.wireType != bytesType && f.wireType != groupType
	}
	switch {
	case t.options.EmitUnpopulated && of.descriptor.ContainingOneof() == nil:
		f.unpopulated = f.key + unpopulatedText(of)
	case !of.presence:
		f.omitsZero = true
	}
	return f
}

// zeroText is the JSON of the value that a scalar has without presence, or in a
// map's entry without a value.
func zeroText(of *field) string {
	switch of.kind {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return ""
	case protoreflect.BoolKind:
		return "false"
	case protoreflect.StringKind, protoreflect.BytesKind:
		return `""`
	case protoreflect.EnumKind:
		number, _ := of.descriptor.Default().Interface().(protoreflect.EnumNumber) // lists have none
		return string(of.enum.appendJSON(nil, int32(number)))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return `"0"`
	default:
		return "0"
	}
}

// unpopulatedText is what EmitUnpopulated writes for a field outside of oneofs.
func unpopulatedText(of *field) string {
	switch {
	case of.isMap():
		return "{}"
	case of.list:
		return "[]"
	case of.presence:
		return "null"
	default:
		return zeroText(of)
	}
}

// renderJSON prepares an enum's values for JSON.
func (e *enumTable) renderJSON(useNumbers bool) {
	e.useNumbers = useNumbers
	if e.null {
		e.texts = []string{"null"}
		return
	}
	e.texts = make([]string, len(e.numbered))
	for number := range e.texts {
		if e.numbered[number] != "" {
			e.texts[number] = string(e.appendJSON(nil, int32(number)))
		}
	}
}

// appendJSON appends a value that the enum has, or that it is open to.
func (e *enumTable) appendJSON(out []byte, number int32) []byte {
	name := e.nameOf(number)
	switch {
	case e.null:
		return append(out, "null"...)
	case e.useNumbers || name == "":
		return strconv.AppendInt(out, int64(number), 10)
	default:
		out, _ = appendQuoted(out, []byte(name))
		return out
	}
}
