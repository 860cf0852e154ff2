package transcode_test

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The bits of a fuzz input's options, as converterFor reads them.
const (
	discardUnknown  = 1
	emitUnpopulated = 2
	protoNames      = 4
	enumNumbers     = 8
	shallow         = 16
)

type jsonSeed struct {
	message string
	options byte
	text    string
}

const anyOf = `{"@type":"type.googleapis.com/`

// jsonSeeds are what parsers of ProtoJSON have got wrong before.
var jsonSeeds = []jsonSeed{
	{"Nothing", 0, `{}`},
	{"Nothing", 0, ` { } `},
	{"Nothing", 0, ``},
	{"Nothing", 0, `null`},
	{"Nothing", 0, `{"a":1}`},
	{"Nothing", discardUnknown, `{"a":{"b":[1,{"c":"\ud83d\ude00"}]},"a":2}`},
	{"Nothing", discardUnknown, `{"a":"` + "\xff" + `"}`},
	{"Nothing", discardUnknown, `{"a":01}`},
	{"Nothing", discardUnknown, `{"a":` + strings.Repeat("[", 98) + strings.Repeat("]", 98) + `}`},
	{"Nothing", discardUnknown, `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`},
	{"Nothing", 0, "\ufeff{}"},
	{"Nothing", 0, `{}{}`},
	{"Nothing", 0, `{} x`},
	{"Nothing", 0, `{,}`},

	// Text: UTF-8, escapes, surrogates.
	{"Scalars", 0, `{"stringValue":"a\u0000\"\\\/\b\f\n\r\té\u00e9微信😀\ud83d\ude00\u2028"}`},
	{"Scalars", 0, "{\"stringValue\":\"\xff\"}"},
	{"Scalars", 0, "{\"stringValue\":\"\xc0\x80\"}"},
	{"Scalars", 0, "{\"stringValue\":\"\xed\xa0\x80\"}"},
	{"Scalars", 0, "{\"stringValue\":\"a\nb\"}"},
	{"Scalars", 0, "{\"stringValue\":\"a\x7fb\"}"},
	{"Scalars", 0, `{"stringValue":"\ud83d"}`},
	{"Scalars", 0, `{"stringValue":"\ude00"}`},
	{"Scalars", 0, `{"stringValue":"\ud83d\u0041"}`},
	{"Scalars", 0, `{"stringValue":"\ud83d\ud83d\ude00"}`},
	{"Scalars", 0, `{"stringValue":"\ud83d\ude00","string_value":"x"}`},
	{"Scalars", 0, "{\"\xff\":1}"},
	{"Scalars", discardUnknown, "{\"\xff\":1}"},
	{"Scalars", 0, `{"stringValue":"\x"}`},
	{"Scalars", 0, `{"stringValue":"` + strings.Repeat("x", 127) + `"}`},
	{"Scalars", 0, `{"stringValue":"` + strings.Repeat("x", 16384) + `","messageValue":{"stringValue":"` + strings.Repeat("é", 8200) + `"}}`},

	// Keys: both names, escaped, repeated.
	{"Scalars", 0, `{"int32Value":1,"int64_value":"2","\u0069nt32_value":3}`},
	{"Scalars", 0, `{"int32Value":1,"int32Value":1}`},
	{"Scalars", 0, `{"int32Value":null,"int32Value":1}`},
	{"Scalars", 0, `{"int32Value":1,"int32_value":null}`},
	{"Scalars", 0, `{"\u0069\u006e\u0074\u0033\u0032\u0056\u0061\u006c\u0075\u0065":1}`},
	{"Scalars", 0, `{"messageValue":{"int32Value":1},"messageValue":{"int64Value":2}}`},
	{"Names", 0, `{"Leading":"1","trailing":"2","twoUnderscores":"3","camelCase":"4","UPPERCASE":"5","digit1Name":"6","Renamed":7}`},
	{"Names", 0, `{"_leading":"1","trailing_":"2","two__underscores":"3","UPPER_CASE":"5","digit_1_name":"6","renamed":7}`},
	{"Names", 0, `{"a\"b\\c":8,"微信é":9,"tab\there":10,"<&>":11," ":12,"swap_a":13,"swap_b":14,"at@type":15,"last":16,"threeBytes":17}`},
	{"Names", protoNames, `{"quoted":8,"unicode":9,"control":10,"markup":11,"empty":12,"swap_a":13,"child":{"last":1,"child":{}}}`},
	{"Names", emitUnpopulated, `{}`},

	// Numbers.
	{"Scalars", 0, `{"int32Value":-0,"int64Value":1.0,"uint32Value":1e2,"uint64Value":"100e-2","sint32Value":"-1E+0"}`},
	{"Scalars", 0, `{"floatValue":-0,"doubleValue":-0.0}`},
	{"Scalars", 0, `{"floatValue":"NaN","doubleValue":"-Infinity","optionalFloat":"Infinity","optionalDouble":"NaN"}`},
	{"Scalars", 0, `{"floatValue":3.4028235e38,"doubleValue":1.7976931348623157e308}`},
	{"Scalars", 0, `{"floatValue":3.4028236e38}`},
	{"Scalars", 0, `{"floatValue":1e-46,"doubleValue":5e-325}`},
	{"Scalars", 0, `{"doubleValue":1e309}`},
	{"Scalars", 0, `{"doubleValue":0e999999999999}`},
	{"Scalars", 0, `{"int32Value":1e1000000000000}`},
	{"Scalars", 0, `{"int32Value":0e1000000000000}`},
	{"Scalars", 0, `{"int32Value":0.000000000000000000001e21}`},
	{"Scalars", 0, `{"int32Value":2147483648}`},
	{"Scalars", 0, `{"int64Value":"9223372036854775807","uint64Value":18446744073709551615,"sint64Value":-9223372036854775808}`},
	{"Scalars", 0, `{"int64Value":9223372036854775808}`},
	{"Scalars", 0, `{"int64Value":"\u0031\u0032"}`},
	{"Scalars", 0, `{"int64Value":" 1"}`},
	{"Scalars", 0, `{"int64Value":""}`},
	{"Scalars", 0, `{"doubleValue":"1.5","floatValue":"1e1","int32Value":"\u002d5"}`},
	{"Scalars", 0, `{"doubleValue":"0x1p-2"}`},
	{"Scalars", 0, `{"uint32Value":-1}`},
	{"Scalars", 0, `{"boolValue":"true"}`},
	{"Scalars", 0, `{"int32Value":true}`},
	{"Scalars", 0, `{"int32Value":[1]}`},
	{"Scalars", 0, `{"int32Value":1.5}`},
	{"Scalars", 0, `{"int32Value":01}`},

	// Bytes.
	{"Scalars", 0, `{"bytesValue":"AAEC_-8","optionalBytes":"+/8="}`},
	{"Scalars", 0, `{"bytesValue":"-_8=","optionalBytes":"\u0041A"}`},
	{"Scalars", 0, `{"bytesValue":"+_8="}`},
	{"Scalars", 0, `{"bytesValue":"AB==","optionalBytes":"A\n"}`},
	{"Scalars", 0, `{"bytesValue":"A\r\nAA=\n"}`},

	// Enums.
	{"Scalars", 0, `{"enumValue":"COLOR_CRIMSON","optionalEnum":"COLOR_\u0052ED"}`},
	{"Scalars", enumNumbers, `{"enumValue":2,"optionalEnum":-1}`},
	{"Scalars", 0, `{"enumValue":77,"optionalEnum":2147483648}`},
	{"Scalars", 0, `{"enumValue":"nope"}`},
	{"Scalars", discardUnknown, `{"enumValue":"nope","optionalEnum":"nope"}`},
	{"Lists", discardUnknown, `{"enums":["nope","COLOR_RED",null]}`},
	{"Lists", discardUnknown, `{"enums":["nope","COLOR_RED"],"unpackedEnums":["nope"]}`},
	{"Maps", discardUnknown, `{"toEnum":{"a":"nope","b":"COLOR_GREEN"}}`},
	{"Legacy", 0, `{"size":3,"sizes":[1,3,"SIZE_LARGE"],"levelByName":{"a":9,"b":"LEVEL_TOP"}}`},
	{"Scalars", 0, `{"enumValue":"1"}`},
	{"Scalars", 0, `{"enumValue":1.0}`},

	// Presence.
	{"Scalars", emitUnpopulated, `{}`},
	{"Scalars", 0, `{"int32Value":0,"stringValue":"","optionalInt32":0,"optionalString":"","messageValue":{}}`},
	{"Scalars", 0, `{"int32Value":null,"optionalInt32":null,"messageValue":null,"enumValue":null}`},

	// Lists and maps.
	{"Lists", 0, `{"int32s":[1,-1,"2",1e1],"doubles":[0,-0,"NaN",1e300],"strings":["","a"],"unpackedInt32s":[0,1],"messages":[{},{"bools":[true]}]}`},
	{"Lists", 0, `{"int32s":[],"strings":null,"messages":[]}`},
	{"Lists", 0, `{"int32s":[1,]}`},
	{"Lists", 0, `{"int32s":[null]}`},
	{"Lists", 0, `{"messages":[null]}`},
	{"Lists", emitUnpopulated, `{"messages":[{}]}`},
	{"Lists", 0, `{"int32s":[` + strings.Repeat("1,", 200) + `1],"sfixed64s":[` + strings.Repeat("-1,", 40) + `1]}`},
	{"Maps", 0, `{"byInt32":{"-1":1,"0":0,"2147483647":-2},"byBool":{"true":true,"false":false},"byString":{"":"","b":"a","a":"b"}}`},
	{"Maps", 0, `{"byInt32":{"1":1,"1":2}}`},
	{"Maps", 0, `{"byInt32":{"1":1,"\u0031":2}}`},
	{"Maps", 0, `{"byInt32":{"1":1,"1.0":2,"10e-1":3}}`},
	{"Maps", 0, `{"byInt32":{" 1":1}}`},
	{"Maps", 0, `{"byInt32":{"01":1}}`},
	{"Maps", 0, `{"byInt32":{1:1}}`},
	{"Maps", 0, `{"byInt64":{"-0":1,"0":2}}`},
	{"Maps", 0, `{"byUint64":{"18446744073709551615":"18446744073709551615"}}`},
	{"Maps", 0, `{"byBool":{"True":true}}`},
	{"Maps", 0, `{"byBool":{"\u0074rue":true,"true":false}}`},
	{"Maps", 0, `{"byString":{"a":null}}`},
	{"Maps", 0, `{"byString":{"\ud83d\ude00":"😀","😀":"x"}}`},
	{"Maps", 0, `{"byString":{"a":"1"},"byString":{"b":"2"}}`},
	{"Maps", 0, `{"toMessage":{"a":{"toMessage":{"b":{}}}},"toValue":{"n":null,"l":[{}]},"toWrapper":{"x":"1"},"toTimestamp":{"true":"1970-01-01T00:00:00Z"},"toStruct":{"1":{}}}`},
	{"Maps", emitUnpopulated, `{"toMessage":{"a":{}}}`},
	{"Maps", 0, `{"toWrapper":{"x":null}}`},

	// Oneofs.
	{"Choices", 0, `{"number":0}`},
	{"Choices", 0, `{"number":1,"text":"x"}`},
	{"Choices", 0, `{"number":1,"text":null}`},
	{"Choices", 0, `{"number":null,"text":"","outside":"","first":0}`},
	{"Choices", 0, `{"null":null}`},
	{"Choices", 0, `{"null":"NULL_VALUE"}`},
	{"Choices", 0, `{"value":null,"second":{}}`},
	{"Choices", 0, `{"null":null,"value":null}`},
	{"Choices", 0, `{"wrapper":null,"empty":{}}`},
	{"Choices", emitUnpopulated, `{"nested":{"flag":false}}`},

	// Well-known types.
	{"WellKnown", 0, `{"timestamp":"2024-02-29T12:34:56.000000001Z","duration":"-0.5s","mask":"a,fooBar.baz"}`},
	{"WellKnown", 0, `{"timestamp":"2024-02-29T1:02:03Z"}`},
	{"WellKnown", 0, `{"timestamp":"2024-02-29T01:02:03+01:30"}`},
	{"WellKnown", 0, `{"timestamp":"2024-02-29T01:02:03.1234567890Z"}`},
	{"WellKnown", 0, `{"timestamp":"2024-02-29T01:02:03,5Z"}`},
	{"WellKnown", 0, `{"timestamp":"2023-02-29T01:02:03Z"}`},
	{"WellKnown", 0, `{"timestamp":"9999-12-31T23:59:59.999999999Z","timestamps":["0001-01-01T00:00:00Z","1969-12-31T23:59:59.9Z"]}`},
	{"WellKnown", 0, `{"timestamp":"2024-02-29T01:02:03\u005a"}`},
	{"WellKnown", 0, `{"duration":"315576000000.999999999s","durations":["-0s","1.5s","0.000000001s","-1.100s","\u0031s"]}`},
	{"WellKnown", 0, `{"duration":"1.0000000000s"}`},
	{"WellKnown", 0, `{"duration":"1"}`},
	{"WellKnown", 0, `{"mask":"","masks":["","a","a_b"]}`},
	{"WellKnown", 0, `{"mask":"foo_bar"}`},
	{"WellKnown", 0, `{"mask":" a , b "}`},
	{"WellKnown", 0, `{"struct":{"a":null,"b":[1,"x",{"c":true}],"d":{}},"value":1e-7,"list":[null,[],{}],"null":null,"empty":{}}`},
	{"WellKnown", 0, `{"struct":{"a":1,"a":2}}`},
	{"WellKnown", 0, `{"value":"NaN","values":[1e21,-0,123456789012345678,null]}`},
	{"WellKnown", 0, `{"value":1e400}`},
	{"WellKnown", 0, `{"nulls":[null,"NULL_VALUE",0,5]}`},
	{"WellKnown", 0, `{"optionalNull":null,"optionalValue":null}`},
	{"WellKnown", 0, `{"empty":{"x":1}}`},
	{"WellKnown", 0, `{"empty":[]}`},
	{"WellKnown", 0, `{"doubleWrapper":"NaN","floatWrapper":1.5,"int32Wrapper":0,"int64Wrapper":"-1","uint32Wrapper":1,"uint64Wrapper":"1","boolWrapper":false,"stringWrapper":"","bytesWrapper":""}`},
	{"WellKnown", 0, `{"int64Wrapper":null,"int64Wrappers":["0",1],"stringWrappers":["",null]}`},
	{"WellKnown", emitUnpopulated, `{"int64Wrapper":0}`},
	{"Timestamp", 0, `"1970-01-01T00:00:00Z"`},
	{"Duration", 0, `"1s"`},
	{"Duration", 0, `{"seconds":1}`},
	{"FieldMask", 0, `"a,b"`},
	{"Value", 0, `null`},
	{"Value", 0, `[1,{"a":[]}]`},
	{"ListValue", 0, `[[],[[]]]`},
	{"Struct", shallow, strings.Repeat(`{"a":`, 6) + `1` + strings.Repeat(`}`, 6)},
	{"Struct", shallow, strings.Repeat(`{"a":`, 7) + `1` + strings.Repeat(`}`, 7)},
	{"Int64Value", 0, `"5"`},
	{"Int64Value", 0, `null`},
	{"StringValue", 0, `"x"`},
	{"BytesValue", 0, `"AA"`},
	{"DoubleValue", 0, `"-Infinity"`},
	{"Empty", 0, `{}`},

	// Any.
	{"Any", 0, `{}`},
	{"Any", 0, `{"value":{}}`},
	{"Any", discardUnknown, `{"x":1}`},
	{"Any", 0, anyOf + `transcode.contracts.Scalars","int32Value":1,"stringValue":"x"}`},
	{"Any", 0, `{"int32Value":1,"@type":"type.googleapis.com/transcode.contracts.Scalars","messageValue":{"boolValue":true}}`},
	{"Any", 0, `{"@\u0074ype":"transcode.contracts.Scalars"}`},
	{"Any", 0, anyOf + `google.protobuf.Timestamp","value":"1970-01-01T00:00:00Z"}`},
	{"Any", 0, `{"value":"1s","@type":"type.googleapis.com/google.protobuf.Duration"}`},
	{"Any", 0, anyOf + `google.protobuf.Duration","value":"1s","more":1}`},
	{"Any", discardUnknown, anyOf + `google.protobuf.Duration","more":1,"value":"1s"}`},
	{"Any", 0, anyOf + `google.protobuf.Empty","value":{}}`},
	{"Any", 0, anyOf + `google.protobuf.Empty"}`},
	{"Any", 0, anyOf + `google.protobuf.Struct","value":{"@type":1}}`},
	{"Any", 0, anyOf + `google.protobuf.Any","value":` + anyOf + `google.protobuf.Value","value":null}}`},
	{"Any", 0, anyOf + `no.Such"}`},
	{"Any", 0, anyOf + `transcode.contracts.Demanding","name":"x"}`},
	{"Any", 0, anyOf + `transcode.contracts.Nothing","@type":"type.googleapis.com/transcode.contracts.Nothing"}`},
	{"Any", 0, anyOf + `transcode.contracts.Legacy","[transcode.contracts.extra_number]":5}`},
	{"Any", 0, `{"@type":""}`},
	{"Any", 0, `{"@type":5}`},
	{"WellKnown", 0, `{"anys":[` + anyOf + `transcode.contracts.WellKnown","any":` + anyOf + `google.protobuf.Int64Value","value":"1"}},{}]}`},

	// proto2 and editions.
	{"Legacy", 0, `{"number":7,"single":{"number":1,"inner":{"text":"x"}},"many":[{},{"numbers":[1,-1]}],"chosen":{"number":"1"}}`},
	{"Legacy", protoNames, `{"Single":{"Inner":{}},"Many":[{"text":"x"}],"Chosen":{}}`},
	{"Legacy", 0, `{"single":{},"Single":{}}`},
	{"Legacy", emitUnpopulated, `{"single":{}}`},
	{"Legacy", 0, `{"[transcode.contracts.extra_number]":1,"[transcode.contracts.extra_numbers]":[1,2],"[transcode.contracts.extra_packed]":[3],"[transcode.contracts.Legacy.nested_text]":"x"}`},
	{"Legacy", 0, `{"[transcode.contracts.extra_message]":{"number":1},"[transcode.contracts.ExtraGroup]":{"number":2},"[transcode.contracts.extragroup]":{"number":2}}`},
	{"Legacy", 0, `{"[transcode.contracts.extra_number]":1,"[transcode.contracts.extra_number]":1}`},
	{"Legacy", 0, `{"[transcode.contracts.extra_number]":null,"[no.such]":1}`},
	{"Legacy", discardUnknown, `{"[no.such]":1,"[]":2,"[":3}`},
	{"Legacy", 0, `{"[transcode.contracts.extra_demanding]":{}}`},
	{"Legacy", 0, `{"real":"NaN","single":null,"children":[{"text":"\u0000"}],"packedSizes":["SIZE_LARGE",-5]}`},
	{"Demanding", 0, `{"name":"","number":0}`},
	{"Demanding", 0, `{"name":"x"}`},
	{"Demanding", 0, `{"name":"x","number":1,"child":{"name":"y"}}`},
	{"Demanding", 0, `{"name":"x","number":1,"byName":{"a":{}}}`},
	{"Demanding", 0, `{"name":"x","number":1,"[transcode.contracts.extra_child]":{"name":"y","number":"2"}}`},
	{"Demanding", 0, `{"name":null,"number":1}`},
	{"Edition", 0, `{"explicitNumber":0,"implicitNumber":0,"implicitText":"","delimited":{"delimiteds":[{},{"prefixed":{}}]},"chosen":{"closed":"CLOSED_ONE"}}`},
	{"Edition", 0, `{"closed":7,"closeds":[1,7],"closedByName":{"a":7},"implicitEnum":9}`},
	{"Edition", 0, "{\"unchecked\":\"\xff\"}"},
	{"Edition", 0, `{"unchecked":"\ud800","uncheckeds":["é"]}`},
	{"Edition", 0, `{"[transcode.contracts.more]":{"packed":[1]},"[transcode.contracts.more_closeds]":["CLOSED_TWO"],"strict":{"must":"AA=="}}`},
	{"Strict", 0, `{"child":{"must":""},"must":"AA"}`},
	{"Edition", emitUnpopulated, `{"structs":[{}],"duration":"1s","any":{},"value":null}`},
	{"Chosen", 0, `{"number":0,"explicit":0,"expanded":[1],"packed":[1],"delimited":{},"prefixed":{},"byNumber":{"1":{"delimited":{}}},"chosen":{}}`},

	// Depth.
	{"Tree", 0, strings.Repeat(`{"left":`, 99) + `{}` + strings.Repeat(`}`, 99)},
	{"Tree", 0, strings.Repeat(`{"left":`, 100) + `{}` + strings.Repeat(`}`, 100)},
	{"Tree", shallow, `{"children":[{"named":{"a":{"children":[]}}}]}`},
	{"Tree", shallow, `{"children":[{"named":{"a":{"children":[{}]}}}]}`},
	{"Tree", shallow, `{"children":[{"children":[{"lists":{"int32s":[1]}}]}]}`},
	{"Tree", shallow, `{"wellKnown":{"any":` + anyOf + `google.protobuf.Struct","value":{"a":[[]]}}}}`},
	{"Tree", emitUnpopulated | shallow, `{"children":[{"children":[{}]}]}`},
	{"Tree", 0, `{"label":"x","left":{"that":"1"},"right":{"this":{"choices":{"text":"y"}}},"scalars":{"int32Value":5},"maps":{"byString":{"k":"v"}}}`},
}

type wireSeed struct {
	message string
	options byte
	wire    []byte
}

// wireSeeds are what encoders may write and seldom do, and what none may.
var wireSeeds = []wireSeed{
	{"Scalars", 0, nil},
	{"Scalars", emitUnpopulated, nil},
	{"Scalars", 0, []byte{0xff, 0xff}},
	{"Scalars", 0, []byte{0x00}},
	{"Scalars", 0, []byte{0x18, 1, 0x18, 2}},                   // a singular field twice
	{"Scalars", 0, []byte{0x20, 1, 0x18, 2}},                   // out of order
	{"Scalars", 0, []byte{0x98, 0x00, 2}},                      // an overlong tag
	{"Scalars", 0, []byte{0x18, 0x82, 0x80, 0x00}},             // an overlong number
	{"Scalars", 0, []byte{0x18, 0xff, 0xff, 0xff, 0xff, 0x1f}}, // more than 32 bits
	{"Scalars", 0, []byte{0x68, 0x02}},                         // a bool that is 2
	{"Scalars", 0, []byte{0x18, 0x00, 0x72, 0x00}},             // zeroes
	{"Scalars", 0, []byte{0x1a, 0x01, 0x05}},                   // another wire type: unknown
	{"Scalars", 0, []byte{0x72, 0x01, 0xff}},                   // not UTF-8
	{"Scalars", 0, []byte{0x7a, 0x01, 0xff}},
	{"Scalars", 0, []byte{0x72, 0x05, 'a'}},                                       // cut short
	{"Scalars", 0, []byte{0x8a, 0x01, 2, 0x18, 1, 0x8a, 0x01, 2, 0x20, 2}},        // a message in two parts
	{"Scalars", 0, []byte{0xf3, 0x3f, 0x08, 1, 0xf4, 0x3f, 0x18, 1}},              // an unknown group
	{"Scalars", 0, []byte{0xf3, 0x3f, 0x08, 1, 0xfc, 0x3f}},                       // ... with another's end
	{"Scalars", 0, []byte{0x09, 0, 0, 0, 0, 0, 0, 0, 0x80}},                       // -0
	{"Scalars", 0, []byte{0x09, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f}},                    // NaN
	{"Scalars", enumNumbers, []byte{0x80, 0x01, 0x07}},                            // an enum value that is unknown
	{"Lists", 0, []byte{0x1a, 2, 1, 2, 0x18, 3, 0x1a, 1, 4}},                      // packed and not, split
	{"Lists", 0, []byte{0x1a, 0}},                                                 // an empty pack
	{"Lists", 0, []byte{0x1a, 1, 0x80}},                                           // a pack that is cut short
	{"Lists", 0, []byte{0x0a, 7, 0, 0, 0, 0, 0, 0, 0}},                            // likewise
	{"Lists", 0, []byte{0x92, 0x01, 2, 1, 2, 0x90, 0x01, 3}},                      // the unpacked one, packed
	{"Lists", 0, []byte{0x18, 1, 0x20, 1, 0x18, 2}},                               // split by another field
	{"Maps", 0, []byte{0x0a, 4, 8, 1, 16, 1, 0x0a, 4, 8, 1, 16, 2}},               // a key twice
	{"Maps", 0, []byte{0x0a, 0}},                                                  // neither key nor value
	{"Maps", 0, []byte{0x0a, 4, 8, 1, 0x0a, 0}},                                   // a key again, of another wire type
	{"Maps", 0, []byte{0x0a, 4, 16, 1, 8, 2}},                                     // the value first
	{"Maps", 0, []byte{0x0a, 6, 8, 1, 8, 2, 16, 1}},                               // two keys in one entry
	{"Maps", 0, []byte{0x0a, 6, 8, 1, 0x18, 5, 16, 1}},                            // an unknown field in it
	{"Maps", 0, []byte{0x0a, 4, 8, 2, 16, 1, 0x0a, 4, 8, 1, 16, 1}},               // unsorted
	{"Maps", 0, []byte{0x62, 3, 0x0a, 1, 0xff}},                                   // a key that is not UTF-8
	{"Maps", 0, []byte{0x8a, 1, 5, 0x0a, 1, 'a', 0x12, 0}},                        // a message
	{"Maps", 0, []byte{0x8a, 1, 9, 0x0a, 1, 'a', 0x12, 0, 0x12, 2, 0x0a, 0}},      // ... in two parts
	{"Choices", 0, []byte{8, 1, 0x12, 1, 'a'}},                                    // switched
	{"Choices", 0, []byte{0x3a, 2, 8, 1, 0x12, 1, 'a', 0x3a, 2, 0x20, 1}},         // switched there and back
	{"Choices", 0, []byte{8, 0}},                                                  // a zero that is set
	{"Choices", 0, []byte{0x4a, 0}},                                               // a Value without kind
	{"Choices", 0, []byte{0x4a, 2, 8, 0, 0x4a, 2, 0x20, 1}},                       // a Value switched
	{"Timestamp", 0, []byte{8, 0x80, 0x8a, 0xb3, 0xd1, 0xd1, 0xac, 0xd0, 0x14}},   // out of range
	{"Timestamp", 0, []byte{0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 255}}, // cut short
	{"Duration", 0, append([]byte{8, 1}, protowire.AppendVarint([]byte{0x10}, ^uint64(0))...)},
	{"FieldMask", 0, []byte{0x0a, 3, 'a', '_', 'b', 0x0a, 1, 'c'}},
	{"FieldMask", 0, []byte{0x0a, 3, 'a', 'B', 'c'}},
	{"Struct", 0, []byte{0x0a, 3, 0x0a, 1, 'a'}}, // a field without value
	{"ListValue", 0, []byte{0x0a, 0}},
	{"Value", 0, []byte{0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f}}, // NaN has no JSON here
	{"Any", 0, []byte{0x0a, 0}},
	{"Any", 0, []byte{0x12, 1, 1}}, // a value without type
	{"Legacy", 0, []byte{0xab, 1, 8, 1, 0xac, 1}},
	{"Legacy", 0, []byte{0xab, 1, 8, 1, 0xac, 1, 0xab, 1, 8, 2, 0xac, 1}}, // a group twice
	{"Legacy", 0, []byte{0xab, 1, 8, 1}},                                  // a group without end
	{"Legacy", 0, []byte{0xab, 1, 0x9c, 1}},                               // ... with another's
	{"Legacy", 0, []byte{0xaa, 1, 2, 8, 1}},                               // a group with a length: unknown
	{"Legacy", 0, []byte{0x48, 9, 0x38, 9}},                               // values that closed enums do not have
	{"Legacy", 0, []byte{0xa0, 6, 5, 0xa8, 6, 1, 0xaa, 6, 2, 2, 3, 8, 1}}, // extensions before fields
	{"Demanding", 0, nil},
	{"Demanding", 0, []byte{0x0a, 0, 0x10, 0, 0x1a, 0}},
	{"Demanding", 0, []byte{0x0a, 0, 0x10, 0, 0x1a, 2, 0x0a, 0, 0x1a, 2, 0x10, 0}}, // required in two parts
	{"Edition", 0, []byte{0xb3, 1, 0xb4, 1, 0xbb, 1, 8, 1, 0xbc, 1}},
	// An Any in two parts, whose first value is none of its type.
	{"Edition", 0, []byte("\xfb\x01\x0a\x1bx/google.protobuf.ListValue\x12\x01a\xfc\x01\xfb\x01\x12\x00\xfc\x01")},
	{"Edition", 0, []byte{0x62, 1, 0xff}}, // not UTF-8, and not checked
	{"Tree", 0, nestedWire(100)},
	{"Tree", 0, nestedWire(101)},
	{"Tree", shallow, nestedWire(6)},
	{"Tree", 0, nestedWire(3000)},
}

// nestedWire is a Tree of that many levels, each to the left of its parent.
func nestedWire(levels int) []byte {
	var wire []byte
	for range levels - 1 {
		wire = append(protowire.AppendVarint([]byte{0x12}, uint64(len(wire))), wire...)
	}
	return wire
}
