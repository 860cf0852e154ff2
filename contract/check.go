package contract

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Check returns an error if files break a limit, are not in the order of their
// imports, or hold what protobuf's linker takes for granted that nobody writes.
// Its time is linear. It does not link the files: [Link] does, and checks first.
func Check(files *descriptorpb.FileDescriptorSet) error {
	list := files.GetFile()
	switch {
	case len(list) == 0:
		return errors.New("it has no files")
	case len(list) > MaxFiles:
		return fmt.Errorf("it has %d files, more than %d", len(list), MaxFiles)
	}
	c := checker{public: make(map[string]int, len(list))}
	for _, file := range list {
		if err := c.file(file); err != nil {
			return err
		}
	}
	return nil
}

// checker goes through files in the order of their imports.
type checker struct {
	bytes, elements int
	// public has the files so far, with the number of ways by which each reaches
	// others through public imports.
	public map[string]int
	// ways is how many of those the linker walks.
	ways int
}

func (c *checker) file(file *descriptorpb.FileDescriptorProto) error {
	name := file.GetName()
	if name == "" || len(name) > MaxFileNameBytes {
		return fmt.Errorf("a file's name has %d bytes: it must have 1 to %d", len(name), MaxFileNameBytes)
	}
	if _, twice := c.public[name]; twice {
		return fmt.Errorf("the file %q is there twice", name)
	}
	// Comments do not count: they are for people, and nothing is made of them.
	c.bytes += proto.Size(file) - proto.Size(file.GetSourceCodeInfo())
	if c.bytes > MaxBytes {
		return fmt.Errorf("its files have more than %d bytes", MaxBytes)
	}
	if err := c.imports(file); err != nil {
		return fmt.Errorf("the file %q %w", name, err)
	}
	s := scope{checker: c, own: strings.HasPrefix(name, wellKnown)}
	if err := s.file(file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (c *checker) imports(file *descriptorpb.FileDescriptorProto) error {
	dependencies := file.GetDependency()
	for _, dependency := range dependencies {
		ways, seen := c.public[dependency]
		if !seen {
			return fmt.Errorf("comes before its import %q, or without it", clip(dependency))
		}
		c.ways += ways
	}
	reached := 0
	for _, i := range file.GetPublicDependency() {
		if i < 0 || int(i) >= len(dependencies) {
			return fmt.Errorf("has the public import %d of %d", i, len(dependencies))
		}
		reached += 1 + c.public[dependencies[i]]
	}
	c.public[file.GetName()] = reached
	if c.ways += reached; c.ways > MaxPublicImports {
		return fmt.Errorf("reaches others by more than %d ways of public imports", MaxPublicImports)
	}
	return nil
}

// count counts elements.
func (c *checker) count(elements ...int) error {
	for _, n := range elements {
		c.elements += n
	}
	if c.elements > MaxElements {
		return fmt.Errorf("its files declare more than %d elements", MaxElements)
	}
	return nil
}

// scope is the file, or the message in it, that is checked.
type scope struct {
	*checker

	own      bool   // one of protobuf's own files: this program's is linked instead
	editions bool   // the file may have features
	name     string // what full names in it begin with
	depth    int
}

func (s scope) file(file *descriptorpb.FileDescriptorProto) error {
	if !s.own {
		if err := checkSyntax(file); err != nil {
			return err
		}
	}
	s.editions = file.GetSyntax() == "editions"
	inside, err := s.enter(file.GetPackage())
	if err != nil {
		return err
	}
	if err := inside.options(file.GetOptions()); err != nil {
		return err
	}
	if err := inside.declarations(file.GetMessageType(), file.GetEnumType(), file.GetExtension()); err != nil {
		return err
	}
	for _, service := range file.GetService() {
		if err := inside.service(service); err != nil {
			return err
		}
	}
	return nil
}

// checkSyntax refuses what the linker does not know. It must come first: of an
// edition that it should never see, the linker panics or ends the process.
func checkSyntax(file *descriptorpb.FileDescriptorProto) error {
	switch syntax := file.GetSyntax(); syntax {
	case "", "proto2", "proto3":
		return nil
	case "editions":
		edition := file.GetEdition()
		if _, known := descriptorpb.Edition_name[int32(edition)]; !known ||
			edition < descriptorpb.Edition_EDITION_2023 || edition > MaximumEdition {
			return fmt.Errorf("edition %s is not supported", strings.TrimPrefix(edition.String(), "EDITION_"))
		}
		return nil
	default:
		return fmt.Errorf("the syntax %q is unknown", clip(syntax))
	}
}

// enter is the scope of a package or a message.
func (s scope) enter(name string) (scope, error) {
	s.name = join(s.name, name)
	if len(s.name) > MaxNameBytes {
		return s, s.tooLong(name)
	}
	// What these mean is built into encodings: they rely on the messages being
	// the ones that protobuf has.
	if !s.own && (s.name == "google.protobuf" || strings.HasPrefix(s.name, "google.protobuf.")) {
		return s, fmt.Errorf("it declares %s, but google.protobuf is protobuf's own", s.name)
	}
	return s, nil
}

// declares checks the name of an element in the scope.
func (s scope) declares(name string) error {
	if len(s.name)+1+len(name) > MaxNameBytes {
		return s.tooLong(name)
	}
	return nil
}

func (s scope) tooLong(name string) error {
	return fmt.Errorf("the full name of %s has more than %d bytes", clip(name), MaxNameBytes)
}

func (s scope) declarations(messages []*descriptorpb.DescriptorProto, enums []*descriptorpb.EnumDescriptorProto, extensions []*descriptorpb.FieldDescriptorProto) error {
	if err := s.count(len(messages), len(enums)); err != nil {
		return err
	}
	for _, message := range messages {
		inside, err := s.enter(message.GetName())
		if err != nil {
			return err
		}
		if err := inside.message(message); err != nil {
			return err
		}
	}
	for _, enum := range enums {
		if err := s.enum(enum); err != nil {
			return err
		}
	}
	return s.fields(extensions)
}

// message checks the message that s is the scope of.
func (s scope) message(message *descriptorpb.DescriptorProto) error {
	if s.depth++; s.depth > MaxDepth {
		return fmt.Errorf("messages nest deeper than %d at %s", MaxDepth, s.name)
	}
	if err := s.count(len(message.GetReservedName()), len(message.GetReservedRange()), len(message.GetExtensionRange()), len(message.GetOneofDecl())); err != nil {
		return err
	}
	if err := s.options(message.GetOptions()); err != nil {
		return err
	}
	for _, oneof := range message.GetOneofDecl() {
		if err := errors.Join(s.declares(oneof.GetName()), s.options(oneof.GetOptions())); err != nil {
			return err
		}
	}
	for _, extensions := range message.GetExtensionRange() {
		if err := s.options(extensions.GetOptions()); err != nil {
			return err
		}
	}
	if err := s.fields(message.GetField()); err != nil {
		return err
	}
	return s.declarations(message.GetNestedType(), message.GetEnumType(), message.GetExtension())
}

func (s scope) fields(fields []*descriptorpb.FieldDescriptorProto) error {
	if err := s.count(len(fields)); err != nil {
		return err
	}
	for _, field := range fields {
		if err := errors.Join(
			s.declares(field.GetName()),
			s.refers(field.GetName(), field.GetTypeName()),
			s.refers(field.GetName(), field.GetExtendee()),
			s.options(field.GetOptions()),
		); err != nil {
			return err
		}
		if len(field.GetJsonName()) > MaxNameBytes {
			return fmt.Errorf("the JSON name of %s.%s has more than %d bytes", s.name, field.GetName(), MaxNameBytes)
		}
	}
	return nil
}

func (s scope) enum(enum *descriptorpb.EnumDescriptorProto) error {
	if err := s.count(len(enum.GetValue()), len(enum.GetReservedName()), len(enum.GetReservedRange())); err != nil {
		return err
	}
	if err := errors.Join(s.declares(enum.GetName()), s.options(enum.GetOptions())); err != nil {
		return err
	}
	for _, value := range enum.GetValue() {
		if err := errors.Join(s.declares(value.GetName()), s.options(value.GetOptions())); err != nil {
			return err
		}
	}
	return nil
}

func (s scope) service(service *descriptorpb.ServiceDescriptorProto) error {
	if err := s.count(1, len(service.GetMethod())); err != nil {
		return err
	}
	inside, err := s.enter(service.GetName())
	if err != nil {
		return err
	}
	if err := inside.options(service.GetOptions()); err != nil {
		return err
	}
	for _, method := range service.GetMethod() {
		if err := errors.Join(
			inside.declares(method.GetName()),
			inside.refers(method.GetName(), method.GetInputType()),
			inside.refers(method.GetName(), method.GetOutputType()),
			inside.options(method.GetOptions()),
		); err != nil {
			return err
		}
	}
	return nil
}

// refers checks the name of a type. Compilers write full names; a relative one
// is looked for in every scope around it, which takes its time.
func (s scope) refers(element, name string) error {
	switch {
	case len(name) > MaxNameBytes+1:
		return fmt.Errorf("%s.%s refers to a name of more than %d bytes", s.name, element, MaxNameBytes)
	case name != "" && name[0] != '.' && !s.own:
		return fmt.Errorf("%s.%s refers to %q, which is no full name: it must begin with a dot", s.name, element, name)
	}
	return nil
}

// options is what all options have.
type options interface {
	GetFeatures() *descriptorpb.FeatureSet
	GetUninterpretedOption() []*descriptorpb.UninterpretedOption
}

// options refuses options that no compiler has given their meaning, and features
// that this program does not know: messages would be read otherwise than they
// are meant.
func (s scope) options(of options) error {
	switch features := of.GetFeatures(); {
	case s.own:
		return nil
	case len(of.GetUninterpretedOption()) > 0:
		return fmt.Errorf("%s has options that no compiler has interpreted", cmp.Or(s.name, "the file"))
	case features == nil:
		return nil
	case !s.editions:
		return fmt.Errorf("%s has features, which only editions have", cmp.Or(s.name, "the file"))
	default:
		return checkFeatures(features)
	}
}

// firstForeignFeature is the first number of the features of single languages.
const firstForeignFeature = 1000

func checkFeatures(features *descriptorpb.FeatureSet) error {
	message := features.ProtoReflect()
	for rest := message.GetUnknown(); len(rest) > 0; {
		number, _, n := protowire.ConsumeField(rest)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if number < firstForeignFeature {
			return fmt.Errorf("the feature %d is unknown", number)
		}
		rest = rest[n:]
	}
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Enum() == nil || !message.Has(field) {
			continue
		}
		number := message.Get(field).Enum()
		if number == 0 || field.Enum().Values().ByNumber(number) == nil {
			return fmt.Errorf("the feature %s has the unknown value %d", field.Name(), number)
		}
	}
	return nil
}

func join(scope, name string) string {
	switch {
	case scope == "":
		return name
	case name == "":
		return scope
	}
	return scope + "." + name
}

// maxClipped bounds what errors say of a stranger's text.
const maxClipped = 200

// clip shortens a stranger's text for an error.
func clip(text string) string {
	if len(text) <= maxClipped {
		return text
	}
	return strings.ToValidUTF8(text[:maxClipped], "") + "..."
}
