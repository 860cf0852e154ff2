package transcode

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// table is a message type, compiled for the conversion in both directions. It
// is immutable once it can be reached.
type table struct {
	descriptor protoreflect.MessageDescriptor
	form       form
	fields     []field // in the order of their declaration

	// names finds fields by every name that JSON may use for them.
	names map[string]*field
	// numbered finds fields by number where numbers are small, numbers the rest.
	numbered []*field
	numbers  map[protowire.Number]*field

	// bits is how many bits tell which fields and which oneofs were seen: one
	// for each field, required ones first, and one for each oneof.
	bits     int
	required int // how many fields are required

	json *jsonTable // what writing JSON needs
}

// smallNumber bounds the field numbers that are found by index.
const smallNumber = 512

// field is the field with that number, or nil.
func (t *table) field(number protowire.Number) *field {
	if number >= 0 && int(number) < len(t.numbered) {
		return t.numbered[number]
	}
	return t.numbers[number]
}

// tables are the compiled types of one [Types]: those that were used so far.
// A type is compiled when it is first met, so that a program that knows many
// types pays for the few that it converts.
type tables struct {
	options    Options
	mu         sync.Mutex
	messages   map[protoreflect.MessageDescriptor]*table
	enums      map[protoreflect.EnumDescriptor]*enumTable
	extensions map[protoreflect.ExtensionDescriptor]*field
	resolved   int // how many messages and extensions came from the Resolver
}

// maxResolved bounds how many of the types that a Resolver found are kept
// compiled.
const maxResolved = 1000

// message is the table for that type, which is compiled now if it must be.
func (t *tables) message(descriptor protoreflect.MessageDescriptor) *table {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.compiled(descriptor)
}

// found is the table for a type that a Resolver found. It is nil when too many
// such types are compiled already.
func (t *tables) found(descriptor protoreflect.MessageDescriptor) *table {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.messages[descriptor]; known != nil {
		return known
	}
	if t.resolved >= maxResolved {
		return nil
	}
	t.resolved++
	return t.compiled(descriptor)
}

// extension is found for an extension.
func (t *tables) extension(descriptor protoreflect.ExtensionDescriptor) *field {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.extensions[descriptor]; known != nil {
		return known
	}
	if t.resolved >= maxResolved {
		return nil
	}
	t.resolved++
	made := t.compileField(descriptor)
	if t.extensions == nil {
		t.extensions = map[protoreflect.ExtensionDescriptor]*field{}
	}
	t.extensions[descriptor] = &made
	return &made
}

// compiled needs the lock.
func (t *tables) compiled(descriptor protoreflect.MessageDescriptor) *table {
	if known := t.messages[descriptor]; known != nil {
		return known
	}
	made := t.compile(descriptor)
	made.json = t.json(made)
	if t.messages == nil {
		t.messages = map[protoreflect.MessageDescriptor]*table{}
	}
	t.messages[descriptor] = made
	return made
}

// compile makes the table of a message, but not of those inside it.
func (t *tables) compile(descriptor protoreflect.MessageDescriptor) *table {
	made := &table{descriptor: descriptor, form: formOf(descriptor)}
	if made.form == formUnsupported {
		return made
	}
	declared := descriptor.Fields()
	made.fields = make([]field, declared.Len())
	for i := range made.fields {
		made.fields[i] = t.compileField(declared.Get(i))
		made.fields[i].index = i
	}
	made.assignBits()
	made.indexNumbers()
	made.indexNames()
	return made
}

// assignBits gives a bit to each field and each oneof.
func (t *table) assignBits() {
	for i := range t.fields {
		if t.fields[i].required {
			t.fields[i].bit = t.bits
			t.bits++
		}
	}
	t.required = t.bits
	for i := range t.fields {
		if !t.fields[i].required {
			t.fields[i].bit = t.bits
			t.bits++
		}
	}
	first := t.bits
	for i := range t.fields {
		if of := t.fields[i].descriptor.ContainingOneof(); of != nil && !of.IsSynthetic() {
			t.fields[i].oneof = first + of.Index()
			t.bits = max(t.bits, t.fields[i].oneof+1)
		}
	}
}

func (t *table) indexNumbers() {
	small := 0
	for i := range t.fields {
		if number := int(t.fields[i].number); number < smallNumber {
			small = max(small, number+1)
		}
	}
	t.numbered = make([]*field, small)
	for i := range t.fields {
		f := &t.fields[i]
		if int(f.number) < small {
			t.numbered[f.number] = f
			continue
		}
		if t.numbers == nil {
			t.numbers = map[protowire.Number]*field{}
		}
		t.numbers[f.number] = f
	}
}

// lazyTable is the table of a message in a field, compiled when the first such
// message is met. That ends cycles, too.
type lazyTable struct {
	descriptor protoreflect.MessageDescriptor
	tables     *tables
	compiled   atomic.Pointer[table]
}

func (l *lazyTable) get() *table {
	if known := l.compiled.Load(); known != nil {
		return known
	}
	return l.compile()
}

// compile is not inlined, so that get is.
//
//go:noinline
func (l *lazyTable) compile() *table {
	made := l.tables.message(l.descriptor)
	l.compiled.Store(made)
	return made
}
