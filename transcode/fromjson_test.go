package transcode_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/transcode"
)

// TestFromJSONFast converts what must not need message objects. The reference
// says what comes out.
func TestFromJSONFast(t *testing.T) {
	tests := map[string]map[string]string{
		"Scalars": {
			"integers":            `{"int32Value":-2147483648,"int64Value":"9223372036854775807","uint32Value":4294967295,"uint64Value":18446744073709551615}`,
			"in quotes":           `{"int32Value":"-1","uint64Value":"18446744073709551615","sint64Value":"-9223372036854775808"}`,
			"with exponents":      `{"int32Value":1e3,"int64Value":1.50e1,"uint32Value":"100E-2","fixed32Value":0.0e5,"sfixed64Value":-12000e-3}`,
			"of fixed width":      `{"fixed32Value":7,"fixed64Value":"8","sfixed32Value":-9,"sfixed64Value":"-10"}`,
			"zeros are left out":  `{"int32Value":0,"int64Value":"0","doubleValue":0.0,"boolValue":false,"stringValue":"","bytesValue":"","enumValue":0}`,
			"zeros are kept":      `{"optionalInt32":0,"optionalDouble":0,"optionalBool":false,"optionalString":"","optionalBytes":"","optionalEnum":0}`,
			"minus zero":          `{"doubleValue":-0,"floatValue":-0.0,"int32Value":-0}`,
			"fractions":           `{"doubleValue":1234.56,"floatValue":0.1,"optionalDouble":1e-7,"optionalFloat":16777217}`,
			"long fractions":      `{"doubleValue":0.1234567890123456789,"floatValue":1.0000000596046448}`,
			"no numbers":          `{"doubleValue":"NaN","floatValue":"-Infinity","optionalDouble":"Infinity","optionalFloat":"NaN"}`,
			"the largest":         `{"doubleValue":1.7976931348623157e308,"floatValue":"3.4028235e38","optionalDouble":5e-324}`,
			"enums":               `{"enumValue":"COLOR_CRIMSON","optionalEnum":-1}`,
			"enum by number":      `{"enumValue":12345}`,
			"escaped enum":        `{"enumValue":"COLOR\u005fRED"}`,
			"strings":             `{"stringValue":"quote \" slash \/ \\ \b\f\n\r\t \u0000 \u00e9 \ud83d\ude00 ü 微信"}`,
			"base64":              `{"bytesValue":"+/+/","optionalBytes":"-_-_"}`,
			"base64 without ends": `{"bytesValue":"+w","optionalBytes":"-_8="}`,
			"base64 with escapes": `{"bytesValue":"\/\/\/\/"}`,
			"null":                `{"int32Value":null,"stringValue":null,"messageValue":null,"optionalBool":null}`,
			"original names":      `{"int32_value":1,"optional_string":"x","message_value":{}}`,
			"escaped names":       `{"int32V\u0061lue":1}`,
			"any order":           `{"optionalMessage":{"boolValue":true},"doubleValue":1,"messageValue":{"floatValue":2}}`,
			"white space":         " \t{ \"int32Value\" : 1 ,\r\n\"boolValue\":true } \n",
		},
		"Lists": {
			"packed":     `{"doubles":[1,"2.5"],"floats":[0],"int32s":[0,-1,300],"bools":[true,false],"enums":["COLOR_RED",0,-1]}`,
			"one by one": `{"strings":["","a"],"bytesList":["","AQ=="],"messages":[{},{"int32s":[1]}],"unpackedInt32s":[0,1],"unpackedEnums":["COLOR_FAR"]}`,
			"empty":      `{"doubles":[],"strings":[ ],"messages":[],"int64s":null}`,
			"long":       `{"sint64s":[` + strings.Repeat("-1,", 5000) + `0]}`,
		},
		"Maps": {
			"keys":        `{"byInt32":{"-1":1,"0":2},"byUint64":{"18446744073709551615":"1"},"byBool":{"true":true,"false":false},"bySint32":{"5":-5},"byFixed64":{"1":"2"},"bySfixed32":{"-9":1}}`,
			"values":      `{"toBytes":{"a":"AQ=="},"toDouble":{"b":"NaN"},"toEnum":{"c":"COLOR_RED"},"toMessage":{"d":{"byString":{"":""}}},"toTimestamp":{"true":"2026-01-02T03:04:05Z"}}`,
			"well-known":  `{"toValue":{"a":null,"b":[1,{}]},"toWrapper":{"c":"5"},"toStruct":{"1":{"d":true}}}`,
			"empty":       `{"byInt32":{},"toMessage":null}`,
			"sorted":      `{"byString":{` + members(20, func(i int) int { return i }) + `}}`,
			"not sorted":  `{"byString":{` + members(5000, func(i int) int { return i * 7919 % 5000 }) + `}}`,
			"in another":  `{"toMessage":{` + strings.Repeat(`"b":{"toMessage":{"z":{},"y":{},"x":{}}},`, 1) + `"a":{}}}`,
			"escaped key": `{"byString":{"a\nb":"","\u0061":"1"}}`,
			"long keys":   `{"byString":{"` + strings.Repeat("k", 3000) + `":"","` + strings.Repeat(`\n`, 3000) + `":""}}`,
		},
		"Choices": {
			"one":          `{"text":"","outside":"x"}`,
			"two oneofs":   `{"number":0,"first":"0"}`,
			"null of null": `{"null":null}`,
			"null value":   `{"value":null}`,
			"not chosen":   `{"number":null,"text":"x","data":null}`,
			"message":      `{"empty":{},"second":{"boolValue":true}}`,
		},
		"WellKnown": {
			"times":         `{"timestamp":"2024-02-29T23:59:59.123456789+05:30","duration":"-315576000000.999999999s"}`,
			"more times":    `{"timestamps":["0001-01-01T00:00:00Z","9999-12-31T23:59:59.5Z","1969-12-31T23:59:59-00:00","1970-01-01T00:00:00Z"],"durations":["0s","-0.5s","1.000000001s"]}`,
			"mask":          `{"mask":"a,fooBar.bazQux,x1.y2","masks":[""]}`,
			"struct":        `{"struct":{"a":[1,"x",null,true,{"b":{}}]},"value":null,"list":[[],{}],"null":null,"nulls":[null,"NULL_VALUE",0]}`,
			"wrappers":      `{"doubleWrapper":0,"floatWrapper":"NaN","int32Wrapper":-1,"int64Wrapper":"5","uint32Wrapper":5,"uint64Wrapper":"6","boolWrapper":false,"stringWrapper":"","bytesWrapper":"AQ=="}`,
			"any":           `{"any":{"@type":"type.googleapis.com/transcode.contracts.Scalars","int32Value":5,"messageValue":{}}}`,
			"any last":      `{"any":{"int32Value":5,"x":{"y":[{}]},"@type":"type.googleapis.com/transcode.contracts.Scalars"}}`,
			"any in an any": `{"any":{"value":{"@type":"type.googleapis.com\/google.protobuf.Duration","value":"1s"},"@type":"x/google.protobuf.Any"}}`,
			"any empty":     `{"anys":[{},{"@type":"x/google.protobuf.Empty"},{"@type":"x/google.protobuf.Empty","value":{}},{"@type":"x/transcode.contracts.Nothing"}]}`,
			"any unset":     `{"any":{"@type":"x/transcode.contracts.Demanding"}}`,
			"empty":         `{"empty":{},"empties":[{},{}]}`,
		},
		"Names":     {"all": `{"_leading":"a","Renamed":1,"a\"b\\c":2,"微信é":3,"tab\there":4,"<&>":5," ":6,"last":7,"swap_a":1,"swap_b":2}`},
		"Legacy":    {"extensions": `{"number":1,"[transcode.contracts.extra_number]":2,"[transcode.contracts.extra_numbers]":[1,2],"[transcode.contracts.extra_data]":null}`},
		"Tree":      {"deep": strings.Repeat(`{"left":`, 99) + "{}" + strings.Repeat("}", 99)},
		"Nothing":   {"empty": `{}`},
		"Demanding": {"required": `{"name":"","number":"1","words":"x"}`},
	}
	for message, cases := range tests {
		for name, text := range cases {
			t.Run(message+" "+name, func(t *testing.T) {
				c := fresh(t, message, transcode.Options{DiscardUnknown: strings.HasPrefix(name, "any last")})
				wire, err := c.compareWire([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if wire == nil {
					_, err = c.AppendWire(nil, []byte(text))
					t.Errorf("it is refused: %v", err)
				}
				if c.Fallbacks() > 0 {
					t.Error("it fell back")
				}
			})
		}
	}
}

// TestFromJSONRare converts what is legal and left to message objects.
func TestFromJSONRare(t *testing.T) {
	tests := []struct{ message, text string }{
		{"Scalars", `{"int32Value":"\u0031"}`},
		{"Scalars", `{"bytesValue":"AQ\n=="}`},
		{"Scalars", `{"int32Value":1e}`}, // protojson's own reading of an exponent
		{"Maps", `{"byInt32":{"+1":1,"007":2}}`},
		{"WellKnown", `{"timestamp":"2026-01-02T3:04:05Z"}`},
		{"WellKnown", `{"timestamp":"2026-01-02T03:04:05,5Z"}`},
		{"WellKnown", `{"duration":"+.5s"}`},
		{"WellKnown", `{"mask":" a "}`},
		{"WellKnown", `{"any":{"\u0040type":"x/google.protobuf.Empty"}}`},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			c := fresh(t, test.message, transcode.Options{})
			want, _ := c.referenceWire([]byte(test.text))
			if _, err := c.compareWire([]byte(test.text)); err != nil {
				t.Error(err)
			}
			if _, err := c.AppendWire(nil, []byte(test.text)); err == nil && c.Fallbacks() == 0 || (err == nil) != (want != nil) {
				t.Errorf("%d fallbacks, error %v", c.Fallbacks(), err)
			}
		})
	}
}

// TestDuplicatesInJSON are refused wherever they hide.
func TestDuplicatesInJSON(t *testing.T) {
	many := members(3000, func(i int) int { return i * 7 % 3000 })
	tests := []struct{ message, text, want string }{
		{"Scalars", `{"int32Value":1,"boolValue":true,"int32_value":2}`, "duplicate field"},
		{"Scalars", `{"int32Value":null,"int32Value":2}`, "duplicate field"},
		{"Choices", `{"number":1,"text":""}`, "is already set"},
		{"Maps", `{"byInt32":{"1":1,"1":2}}`, "duplicate map key"},
		{"Maps", `{"byString":{"a":"","b":"","\u0061":""}}`, "duplicate map key"},
		{"Maps", `{"byString":{` + many + `,"key 1500":""}}`, "duplicate map key"},
		{"Maps", `{"byString":{"` + strings.Repeat(`\n`, 3000) + `":"","` + strings.Repeat(`\u000a`, 3000) + `":""}}`, "duplicate map key"},
		{"Maps", `{"toMessage":{"b":{"toMessage":{"y":{},"x":{},"y":{}}}}}`, "duplicate map key"},
		{"WellKnown", `{"struct":{"a":{"b":1,"a":2,"b":3}}}`, "duplicate map key"},
		{"WellKnown", `{"any":{"@type":"x/google.protobuf.Empty","@type":"x/google.protobuf.Empty"}}`, "duplicate"},
		{"Legacy", `{"[transcode.contracts.extra_number]":2,"[transcode.contracts.extra_number]":3}`, "duplicate field"},
	}
	for _, test := range tests {
		c := fresh(t, test.message, transcode.Options{})
		if _, err := c.AppendWire(nil, []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.80s: got %v, want %q", test.text, err, test.want)
		}
	}
}

// TestLengths nests content of all sizes at which a length grows, at depths
// that move it often.
func TestLengths(t *testing.T) {
	c := fresh(t, "Tree", transcode.Options{})
	for _, depth := range []int{1, 2, 3, 40} {
		for _, size := range []int{0, 1, 100, 127, 128, 2030, 2047, 2048, 16_383, 16_384, 70_000} {
			for around := size - 3; around <= size+3; around++ {
				inner := fmt.Sprintf(`{"label":%q,"named":{"b":{"label":"x"},"a":{}},"children":[{},{"label":"y"}]}`, strings.Repeat("z", max(0, around)))
				text := strings.Repeat(`{"children":[{"left":{}},`, depth) + inner + strings.Repeat(`,{}]}`, depth)
				if _, err := c.compareWire([]byte(text)); err != nil {
					t.Fatalf("depth %d, size %d: %v", depth, around, err)
				}
			}
		}
	}
	if c.Fallbacks() > 0 {
		t.Errorf("%d fallbacks", c.Fallbacks())
	}
}

// TestWideMessage has more fields than fit into one word of bits.
func TestWideMessage(t *testing.T) {
	wide := wideConverter(t, 200)
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, `,"f%d":%d`, 199-i, i)
	}
	all := "{" + text.String()[1:] + "}"
	if _, err := wide.compareWire([]byte(all)); err != nil || wide.Fallbacks() > 0 {
		t.Errorf("all fields: %v, %d fallbacks", err, wide.Fallbacks())
	}
	for _, i := range []int{0, 63, 64, 65, 127, 128, 199} {
		twice := all[:len(all)-1] + fmt.Sprintf(`,"f%d":0}`, i)
		if _, err := wide.AppendWire(nil, []byte(twice)); err == nil || !strings.Contains(err.Error(), "duplicate field") {
			t.Errorf("f%d twice: %v", i, err)
		}
		missing := strings.Replace(all, fmt.Sprintf(`"f%d":`, i), `"unknown":`, 1)
		if _, err := wide.compareWire([]byte(missing)); err != nil {
			t.Errorf("f%d missing: %v", i, err)
		}
	}
}

// TestConcurrentFirstUse compiles the tables of one Message from many sides.
func TestConcurrentFirstUse(t *testing.T) {
	c := fresh(t, "Tree", transcode.Options{})
	const text = `{"left":{"scalars":{"int32Value":1}},"maps":{"toMessage":{"b":{},"a":{}}},"wellKnown":{"any":{"@type":"x/google.protobuf.Empty"}}}`
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			wire, err := c.AppendWire(nil, []byte(text))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := c.AppendJSON(nil, wire); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
}

// TestFloatsFromJSON reads the numbers near which rounding is hard.
func TestFloatsFromJSON(t *testing.T) {
	c := fresh(t, "Scalars", transcode.Options{})
	for _, number := range []string{
		"0.1", "0.3", "123456.7", "9007199254740993", "999999999999999", "0.000000000000001", "8388608.5", "1.17549435e-38",
		"7.0064923e-45", "0.5000000298023224", "1e23", "2.2250738585072011e-308", "16777216.5", "33554435", "4.35", "-9.5", "100.0",
	} {
		for _, form := range []string{`{"floatValue":%s}`, `{"doubleValue":%s}`, `{"floatValue":"%s"}`, `{"doubleValue":"%s"}`} {
			if _, err := c.compareWire(fmt.Appendf(nil, form, number)); err != nil {
				t.Errorf("%s: %v", number, err)
			}
		}
	}
	for i := range 2000 {
		text := fmt.Appendf(nil, `{"doubleValue":%v,"floatValue":%v}`, float64(i)*math.Pi, float32(i)/37)
		if _, err := c.compareWire(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if c.Fallbacks() > 0 {
		t.Errorf("%d fallbacks", c.Fallbacks())
	}
}

// members are the members of a map with n keys, in some order.
func members(n int, key func(i int) int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"key %d":""`, key(i))
	}
	return strings.Join(all, ",")
}

// fresh is a converter that no other test uses, so that its count is its own.
func fresh(t testing.TB, message string, options transcode.Options) converter {
	t.Helper()
	loaded := testContracts(t)
	if options.Resolver == nil {
		options.Resolver = loaded.types
	}
	made, err := transcode.New(loaded.descriptor(t, comparedMessages[indexOf(t, message)]), options)
	if err != nil {
		t.Fatal(err)
	}
	return converter{Message: made, options: options}
}
