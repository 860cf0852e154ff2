package transcode_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// The reference is protojson over dynamicpb. Where the two disagree by intent:
//
//   - Depth: the reference allows 10,000 levels and does not look into Any; a
//     Message has Options.MaxDepth, checked here by the JSON's own depth. A
//     Message may also refuse wire whose depth is in what JSON leaves out, and
//     may write the empty lists that EmitUnpopulated adds one level deeper.
//   - Any: the value of an Any is bytes, and two encodings of one message are
//     different bytes. They are compared as the message that they hold.
//   - Panics: the reference panics where a map entry has its key twice, the
//     second time with another wire type. There is nothing to compare then, but
//     a Message must not panic.

// appendTo converts to a buffer that holds something, with room for more or
// without. The last error says that the function has harmed what is not its own.
func appendTo(convert func(dst, input []byte) ([]byte, error), input []byte) (appended []byte, verdict, harm error) {
	const held = "held"
	dst := []byte(held)
	if len(input)%3 > 0 {
		// The room is not zero, as that of a buffer in use is not.
		dst = bytes.Repeat([]byte{0xa5}, len(held)+len(input)*(len(input)%3))
		dst = dst[:copy(dst, held)]
	}
	before := bytes.Clone(input)
	out, verdict := convert(dst, input)
	if !bytes.HasPrefix(out, []byte(held)) {
		return nil, verdict, fmt.Errorf("dst is not kept: %q", out)
	}
	if !bytes.Equal(input, before) {
		return nil, verdict, fmt.Errorf("the input is changed, from %q", before)
	}
	return out[len(held):], verdict, nil
}

// maxErrorText bounds errors, which quote what strangers send.
const maxErrorText = 500

// compareWire converts JSON to wire, here and by the reference. The error says
// how the two differ. The bytes are those of AppendWire, nil where it refuses.
func (c converter) compareWire(jsonText []byte) ([]byte, error) {
	want, wantErr := c.referenceWire(jsonText)
	got, gotErr, err := appendTo(c.AppendWire, jsonText)
	if err != nil {
		return nil, fmt.Errorf("AppendWire: %w", err)
	}
	if gotErr != nil {
		return nil, checkRefusal("AppendWire", got, gotErr, wantErr)
	}
	if wantErr != nil {
		return nil, fmt.Errorf("AppendWire accepts what the reference refuses: %w", wantErr)
	}
	decoded := dynamicpb.NewMessage(c.Descriptor())
	if err := (proto.UnmarshalOptions{Resolver: c.options.Resolver}).Unmarshal(got, decoded); err != nil {
		return nil, fmt.Errorf("AppendWire wrote what cannot be parsed: %w\n got %x", err, got)
	}
	wantWire, err := canonicalWire(want, c.options.Resolver)
	if err != nil {
		return nil, err
	}
	gotWire, err := canonicalWire(decoded, c.options.Resolver)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(gotWire, wantWire) {
		return nil, fmt.Errorf("AppendWire means something else\n got %v\nwant %v\n got %x\nwant %x", decoded, want, got, wantWire)
	}
	if len(got) != len(wantWire) {
		return nil, fmt.Errorf("AppendWire wrote %d bytes, where %d do\n got %x\nwant %x", len(got), len(wantWire), got, wantWire)
	}
	return got, nil
}

func (c converter) referenceWire(jsonText []byte) (proto.Message, error) {
	message := dynamicpb.NewMessage(c.Descriptor())
	from := protojson.UnmarshalOptions{DiscardUnknown: c.options.DiscardUnknown, Resolver: c.options.Resolver}
	if err := from.Unmarshal(jsonText, message); err != nil {
		return nil, err
	}
	if _, err := proto.Marshal(message); err != nil {
		return nil, err
	}
	return message, c.checkDepth(jsonText)
}

// unlimitedWire is the wire format of JSON however deep it is, nil if it has none.
func (c converter) unlimitedWire(jsonText []byte) []byte {
	message, err := c.referenceWire(jsonText)
	if message == nil || (err != nil && !errors.Is(err, errTooDeep)) {
		return nil
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil
	}
	return wire
}

// compareJSON converts wire to JSON, here and by the reference. The error says
// how the two differ.
func (c converter) compareJSON(wire []byte) ([]byte, error) {
	want, wantErr := c.referenceJSON(wire)
	got, gotErr, err := appendTo(c.AppendJSON, wire)
	if err != nil {
		return nil, fmt.Errorf("AppendJSON: %w", err)
	}
	if errors.Is(wantErr, errReferencePanics) {
		return nil, nil
	}
	if gotErr != nil {
		if wantErr == nil && c.isDeep(wire) {
			return nil, nil
		}
		return nil, checkRefusal("AppendJSON", got, gotErr, wantErr)
	}
	if errors.Is(wantErr, errTooDeep) && c.options.EmitUnpopulated && c.checkDepth(emptyLists.ReplaceAll(want, []byte(":0"))) == nil {
		wantErr = nil
	}
	if wantErr != nil {
		return nil, fmt.Errorf("AppendJSON accepts what the reference refuses: %w\n got %s", wantErr, got)
	}
	if !bytes.Equal(got, want) {
		return nil, fmt.Errorf("AppendJSON differs\n got %s\nwant %s", got, want)
	}
	return got, nil
}

// errReferencePanics stands for the answer that the reference does not give.
var errReferencePanics = errors.New("the reference panics")

func (c converter) referenceJSON(wire []byte) (text []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errReferencePanics
		}
	}()
	message := dynamicpb.NewMessage(c.Descriptor())
	if err := (proto.UnmarshalOptions{Resolver: c.options.Resolver}).Unmarshal(wire, message); err != nil {
		return nil, err
	}
	to := protojson.MarshalOptions{
		EmitUnpopulated: c.options.EmitUnpopulated,
		UseProtoNames:   c.options.UseProtoNames,
		UseEnumNumbers:  c.options.UseEnumNumbers,
		Resolver:        c.options.Resolver,
	}
	spaced, err := to.Marshal(message)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, spaced); err != nil {
		return nil, err
	}
	return compact.Bytes(), c.checkDepth(compact.Bytes())
}

// checkRefusal is for input that the package refuses: the reference must, too,
// and the refusal must be as documented.
func checkRefusal(function string, appended []byte, gotErr, wantErr error) error {
	switch {
	case len(appended) > 0:
		return fmt.Errorf("%s appended %q and failed: %w", function, appended, gotErr)
	case len(gotErr.Error()) > maxErrorText:
		return fmt.Errorf("%s: an error of %d bytes", function, len(gotErr.Error()))
	case wantErr == nil:
		return fmt.Errorf("%s refuses what the reference accepts: %w", function, gotErr)
	default:
		return nil
	}
}

func (c converter) maxDepth() int {
	if c.options.MaxDepth == 0 {
		return transcode.DefaultMaxDepth
	}
	return c.options.MaxDepth
}

var (
	errTooDeep = errors.New("more levels than the limit")
	emptyLists = regexp.MustCompile(`:(\[\]|\{\})`)
)

// checkDepth holds valid JSON to the limit.
func (c converter) checkDepth(jsonText []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(jsonText); i++ {
		switch jsonText[i] {
		case '\\':
			i++
		case '"':
			inString = !inString
		case '{', '[':
			if inString {
				continue
			}
			if depth++; depth > c.maxDepth() {
				return errTooDeep
			}
		case '}', ']':
			if !inString {
				depth--
			}
		}
	}
	return nil
}

// isDeep reports whether wire may be refused for its depth although its JSON is
// shallow enough: where it is irregular, and what makes it deep is replaced by
// later fields or unknown.
func (c converter) isDeep(wire []byte) bool {
	if wireLevels(wire, 0) < c.maxDepth()/3 {
		return false
	}
	message := dynamicpb.NewMessage(c.Descriptor())
	if err := (proto.UnmarshalOptions{Resolver: c.options.Resolver, DiscardUnknown: true}).Unmarshal(wire, message); err != nil {
		return false
	}
	return proto.Size(message) != len(wire)
}

// wireLevels is how deeply wire may be nested, taking for a message whatever
// may be one.
func wireLevels(wire []byte, level int) int {
	deepest := level
	for len(wire) > 0 && level < maxCheckedLevels {
		number, kind, size := protowire.ConsumeTag(wire)
		if size < 0 {
			break
		}
		wire = wire[size:]
		if size = protowire.ConsumeFieldValue(number, kind, wire); size < 0 {
			break
		}
		switch kind {
		case protowire.BytesType:
			content, _ := protowire.ConsumeBytes(wire)
			deepest = max(deepest, wireLevels(content, level+1))
		case protowire.StartGroupType:
			content, _ := protowire.ConsumeGroup(number, wire)
			deepest = max(deepest, wireLevels(content, level+1))
		}
		wire = wire[size:]
	}
	return deepest
}

// maxCheckedLevels is more than any limit that a converter has.
const maxCheckedLevels = 200

// canonicalWire is the one encoding of a message, with those in its Anys
// encoded likewise.
func canonicalWire(message proto.Message, resolver transcode.Resolver) ([]byte, error) {
	if err := canonicalAnys(message.ProtoReflect(), resolver); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(message)
}

// canonicalAnys encodes the messages in Anys anew, wherever they are.
func canonicalAnys(message protoreflect.Message, resolver transcode.Resolver) error {
	if message.Descriptor().FullName() == "google.protobuf.Any" {
		return canonicalAny(message, resolver)
	}
	var failed error
	visit := func(nested protoreflect.Message) bool {
		failed = canonicalAnys(nested, resolver)
		return failed == nil
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, value protoreflect.Value) bool { return visit(value.Message()) })
			}
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				if !visit(value.List().Get(i).Message()) {
					break
				}
			}
		default:
			visit(value.Message())
		}
		return failed == nil
	})
	return failed
}

func canonicalAny(message protoreflect.Message, resolver transcode.Resolver) error {
	fields := message.Descriptor().Fields()
	url, value := fields.ByName("type_url"), fields.ByName("value")
	held, err := resolver.FindMessageByURL(message.Get(url).String())
	if err != nil {
		return nil //nolint:nilerr // An empty Any holds nothing.
	}
	inner := held.New().Interface()
	if err := (proto.UnmarshalOptions{Resolver: resolver, AllowPartial: true}).Unmarshal(message.Get(value).Bytes(), inner); err != nil {
		return err
	}
	wire, err := canonicalWire(inner, resolver)
	if err != nil {
		return err
	}
	if len(wire) > 0 {
		message.Set(value, protoreflect.ValueOfBytes(wire))
	}
	return nil
}
