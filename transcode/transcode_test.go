package transcode_test

import (
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/transcode"
)

// descriptor reads a message's descriptor from a file in testdata.
func descriptor(t testing.TB, file, message string) protoreflect.MessageDescriptor {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var described descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	resolved, err := protodesc.NewFile(&described, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return resolved.Messages().ByName(protoreflect.Name(message))
}

func node(t testing.TB, options transcode.Options) *transcode.Message {
	t.Helper()
	message, err := transcode.New(descriptor(t, "node.txtpb", "Node"), options)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// nested is JSON with that many objects inside one another.
func nested(levels int) string {
	return strings.Repeat(`{"child":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
}

func TestRoundTrip(t *testing.T) {
	message := node(t, transcode.Options{})
	tests := map[string]struct{ in, want string }{
		"empty":           {`{}`, `{}`},
		"bytes":           {`{"Code":"d3JmZGZkc2Y="}`, `{"Code":"d3JmZGZkc2Y="}`},
		"white space":     {" {\n \"text\" : \"a b\" } ", `{"text":"a b"}`},
		"proto name":      {`{"item_count":3}`, `{"itemCount":3}`},
		"64-bit":          {`{"big":9007199254740993}`, `{"big":"9007199254740993"}`},
		"enum by name":    {`{"color":"COLOR_RED"}`, `{"color":"COLOR_RED"}`},
		"enum by number":  {`{"color":1}`, `{"color":"COLOR_RED"}`},
		"timestamp":       {`{"at":"2026-01-02T03:04:05Z"}`, `{"at":"2026-01-02T03:04:05Z"}`},
		"sorted map":      {`{"byName":{"b":{},"a":{}}}`, `{"byName":{"a":{},"b":{}}}`},
		"struct":          {`{"data":{"x":[1,null,{"y":true}]}}`, `{"data":{"x":[1,null,{"y":true}]}}`},
		"any":             {`{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}`, `{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}`},
		"list":            {`{"numbers":[1,2,3],"children":[{},{"text":"x"}]}`, `{"children":[{},{"text":"x"}],"numbers":[1,2,3]}`},
		"null":            {`{"text":null}`, `{}`},
		"quotes":          {`{"text":"\"{[ \\"}`, `{"text":"\"{[ \\"}`},
		"other alphabets": {`{"text":"微信 \u00e9"}`, `{"text":"微信 é"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wire, err := message.AppendWire(nil, []byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			got, err := message.AppendJSON([]byte("before "), wire)
			if err != nil {
				t.Fatal(err)
			}
			if want := "before " + test.want; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestAppendKeepsDst(t *testing.T) {
	message := node(t, transcode.Options{})
	dst := []byte("kept")
	if got, err := message.AppendWire(dst, []byte(`{"nope":1}`)); err == nil || string(got) != "kept" {
		t.Errorf("AppendWire: got %q, %v", got, err)
	}
	if got, err := message.AppendJSON(dst, []byte{0xff}); err == nil || string(got) != "kept" {
		t.Errorf("AppendJSON: got %q, %v", got, err)
	}
}

func TestOutputOptions(t *testing.T) {
	tests := map[string]struct {
		options transcode.Options
		want    string
	}{
		"default":      {transcode.Options{}, `{"itemCount":1,"color":"COLOR_RED"}`},
		"proto names":  {transcode.Options{UseProtoNames: true}, `{"item_count":1,"color":"COLOR_RED"}`},
		"enum numbers": {transcode.Options{UseEnumNumbers: true}, `{"itemCount":1,"color":1}`},
		"unpopulated": {transcode.Options{EmitUnpopulated: true}, `{"Code":"","itemCount":1,"big":"0","color":"COLOR_RED",` +
			`"child":null,"children":[],"byName":{},"data":null,"any":null,"at":null,"numbers":[],"text":""}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			message := node(t, test.options)
			wire, err := message.AppendWire(nil, []byte(`{"itemCount":1,"color":"COLOR_RED"}`))
			if err != nil {
				t.Fatal(err)
			}
			got, err := message.AppendJSON(nil, wire)
			if err != nil || string(got) != test.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func TestBadJSON(t *testing.T) {
	message := node(t, transcode.Options{})
	tests := map[string]struct{ in, want string }{
		"empty":           {``, `syntax error (line 1:1): unexpected token`},
		"cut short":       {"{\"text\":\n\"x\"", `syntax error (line 2:4): unexpected end`},
		"trailing":        {`{} {}`, `syntax error (line 1:4): unexpected token {`},
		"not an object":   {`[]`, `syntax error (line 1:1): unexpected token [`},
		"unknown field":   {`{"nope":1}`, `(line 1:2): unknown field "nope"`},
		"second line":     {"{\n  \"nope\": 1}", `(line 2:3): unknown field "nope"`},
		"duplicate field": {`{"text":"a","text":"b"}`, `(line 1:13): duplicate field "text"`},
		"wrong type":      {`{"itemCount":"x"}`, `(line 1:14): invalid value for int32 field itemCount: "x"`},
		"out of range":    {`{"itemCount":3000000000}`, `(line 1:14): invalid value for int32 field itemCount: 3000000000`},
		"bad base64":      {`{"Code":"*"}`, `(line 1:9): invalid value for bytes field Code: "*"`},
		"unknown enum":    {`{"color":"BLUE"}`, `(line 1:10): invalid value for enum field color: "BLUE"`},
		"unknown any":     {`{"any":{"@type":"x.test/no.Such"}}`, `unable to resolve "x.test/no.Such"`},
		"invalid UTF-8":   {"{\"text\":\"\xff\"}", `invalid UTF-8`},
		"too deep":        {nested(101), `(line 1:901): nested deeper than 100 levels`},
		"far too deep":    {strings.Repeat("[", 1_000_000), `(line 1:101): nested deeper than 100 levels`},
		"long":            {`{"Code":"` + strings.Repeat("*", 100_000) + `"}`, `invalid value for bytes field Code: "***`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := message.AppendWire(nil, []byte(test.in))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got error %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "proto:") || len(err.Error()) > 500 {
				t.Errorf("the text is not clean: %q", err)
			}
		})
	}
}

func TestDiscardUnknown(t *testing.T) {
	message := node(t, transcode.Options{DiscardUnknown: true})
	wire, err := message.AppendWire(nil, []byte(`{"nope":{"deep":[1]},"color":"BLUE","text":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := message.AppendJSON(nil, wire); err != nil || string(got) != `{"text":"x"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestBadWire(t *testing.T) {
	message := node(t, transcode.Options{})
	unknown, _ := proto.Marshal(&anypb.Any{TypeUrl: "x.test/no.Such", Value: []byte{1}})
	tests := map[string]struct {
		wire []byte
		want string
	}{
		"garbage":       {[]byte{0xff, 0xff}, "transcode.test.Node is malformed"},
		"cut short":     {[]byte{0x0a, 5, 1}, "transcode.test.Node is malformed: unexpected EOF"},
		"bad inside":    {[]byte{0x2a, 1, 0xff}, "transcode.test.Node is malformed"},
		"invalid UTF-8": {[]byte{0x62, 1, 0xff}, "invalid UTF-8"},
		"unknown any":   {append([]byte{0x4a, byte(len(unknown))}, unknown...), `unable to resolve "x.test/no.Such"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := message.AppendJSON(nil, test.wire); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, error %v, want one with %q", got, err, test.want)
			}
		})
	}
}

func TestUnknownFieldsOnTheWire(t *testing.T) {
	message := node(t, transcode.Options{})
	wire := []byte{0x62, 1, 'x', 0xf8, 0x3f, 7} // field 1023, which Node does not have
	if got, err := message.AppendJSON(nil, wire); err != nil || string(got) != `{"text":"x"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestRequiredFields(t *testing.T) {
	message, err := transcode.New(descriptor(t, "required.txtpb", "Required"), transcode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "required field transcode.test.Required.name not set"
	if _, err := message.AppendWire(nil, []byte(`{}`)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("from JSON: %v", err)
	}
	if _, err := message.AppendJSON(nil, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("from wire: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	var described descriptorpb.FileDescriptorProto
	text, err := os.ReadFile("testdata/node.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	if err := prototext.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	loose, err := protodesc.FileOptions{AllowUnresolvable: true}.New(&described, new(protoregistry.Files))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transcode.New(loose.Messages().ByName("Node"), transcode.Options{}); err == nil || !strings.Contains(err.Error(), "unresolved") {
		t.Errorf("unresolved imports: %v", err)
	}
	if _, err := transcode.New(nil, transcode.Options{}); err == nil {
		t.Error("a missing descriptor is accepted")
	}
	if _, err := transcode.New((&anypb.Any{}).ProtoReflect().Descriptor(), transcode.Options{MaxDepth: -1}); err == nil {
		t.Error("a negative depth is accepted")
	}
}

func TestResolver(t *testing.T) {
	types := new(protoregistry.Types)
	if err := types.RegisterMessage(dynamicpb.NewMessageType(descriptor(t, "required.txtpb", "Required"))); err != nil {
		t.Fatal(err)
	}
	message := node(t, transcode.Options{Resolver: types})
	const in = `{"any":{"@type":"type.googleapis.com/transcode.test.Required","name":"x"}}`
	wire, err := message.AppendWire(nil, []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := message.AppendJSON(nil, wire); err != nil || string(got) != in {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestDepth holds both directions to the same limit: what comes in can go out.
func TestDepth(t *testing.T) {
	const limit = 8
	strict := node(t, transcode.Options{MaxDepth: limit})
	loose := node(t, transcode.Options{MaxDepth: 50})
	const anyURL = `{"@type":"type.googleapis.com/google.protobuf.Any","value":`
	shapes := map[string]func(levels int) string{
		"messages": nested,
		"lists": func(levels int) string {
			pairs := (levels - 2) / 2
			return `{"child":` + strings.Repeat(`{"children":[`, pairs) + `{}` + strings.Repeat(`]}`, pairs) + `}`
		},
		"scalar lists": func(levels int) string {
			return strings.Repeat(`{"child":`, levels-2) + `{"numbers":[1]}` + strings.Repeat(`}`, levels-2)
		},
		"maps": func(levels int) string {
			pairs := (levels - 2) / 2
			return `{"child":` + strings.Repeat(`{"byName":{"a":`, pairs) + `{}` + strings.Repeat(`}}`, pairs) + `}`
		},
		"structs": func(levels int) string {
			return `{"data":` + strings.Repeat(`{"a":`, levels-1) + `1` + strings.Repeat(`}`, levels-1) + `}`
		},
		"arrays in a struct": func(levels int) string {
			return `{"data":{"a":` + strings.Repeat(`[`, levels-2) + `1` + strings.Repeat(`]`, levels-2) + `}}`
		},
		"anys": func(levels int) string {
			return `{"any":` + strings.Repeat(anyURL, levels-2) +
				`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}` + strings.Repeat(`}`, levels-2) + `}`
		},
		"timestamps": func(levels int) string {
			return strings.Repeat(`{"child":`, levels-1) + `{"at":"2026-01-02T03:04:05Z"}` + strings.Repeat(`}`, levels-1)
		},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			fits, err := strict.AppendWire(nil, []byte(shape(limit)))
			if err != nil {
				t.Fatalf("%s: %v", shape(limit), err)
			}
			if out, err := strict.AppendJSON(nil, fits); err != nil {
				t.Errorf("the limit itself comes in and not out: %v (%s)", err, out)
			}
			deep := shape(limit + 2)
			if _, err := strict.AppendWire(nil, []byte(deep)); err == nil {
				t.Error("deeper JSON is accepted")
			}
			wire, err := loose.AppendWire(nil, []byte(deep))
			if err != nil {
				t.Fatal(err)
			}
			if out, err := strict.AppendJSON(nil, wire); err == nil {
				t.Errorf("a deeper message is accepted: %s", out)
			}
		})
	}
}

// TestDepthOfGeneratedMessage crosses the limit with a message made by hand.
func TestDepthOfGeneratedMessage(t *testing.T) {
	value := structpb.NewBoolValue(true)
	for range 1000 {
		value = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{value}})
	}
	wire, err := proto.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	message, err := transcode.New(value.ProtoReflect().Descriptor(), transcode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := message.AppendJSON(nil, wire); err == nil || !strings.Contains(err.Error(), "nested deeper than 100 levels") {
		t.Errorf("got %v", err)
	}
}
