package transcode_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/transcode"
)

// jsonMutator writes messages as JSON and changes that at random, token by
// token. What it makes is mostly JSON, and often still the message's.
type jsonMutator struct {
	*rand.Rand

	tokens []string
}

// mutated is the JSON of a message with some changes. A message that has no
// JSON begins as an empty object.
func (m *jsonMutator) mutated(message proto.Message, resolver transcode.Resolver) []byte {
	text, err := protojson.MarshalOptions{
		AllowPartial:    true,
		EmitUnpopulated: m.IntN(8) == 0,
		UseProtoNames:   m.IntN(4) == 0,
		UseEnumNumbers:  m.IntN(4) == 0,
		Resolver:        resolver,
	}.Marshal(message)
	if err != nil {
		text = []byte("{}")
	}
	m.tokens = jsonTokens(string(text))
	changes := []func(){
		m.replaceScalar, m.replaceScalar, m.escapeString, m.escapeString, m.quoteOrUnquote, m.rewriteNumber,
		m.repeatMember, m.moveMember, m.dropMember, m.renameKey, m.copyValue, m.replaceValue, m.dropToken, m.insertToken,
	}
	for range m.IntN(4) {
		if len(m.tokens) > 0 {
			changes[m.IntN(len(changes))]()
		}
	}
	return m.written()
}

// written joins the tokens, sometimes with white space, sometimes with damage.
func (m *jsonMutator) written() []byte {
	spaced := m.IntN(4) == 0
	var out []byte
	for _, token := range m.tokens {
		out = append(out, token...)
		if spaced && m.IntN(4) == 0 {
			out = append(out, []string{" ", "\n", "\t", "\r\n", "  \n "}[m.IntN(5)]...)
		}
	}
	if m.IntN(20) == 0 {
		out = damaged(m.Rand, out)
	}
	return out
}

// damaged changes some bytes, without regard to what they are.
func damaged(random *rand.Rand, input []byte) []byte {
	out := bytes.Clone(input)
	for range 1 + random.IntN(3) {
		if len(out) == 0 {
			return append(out, byte(random.IntN(256)))
		}
		at := random.IntN(len(out))
		switch random.IntN(5) {
		case 0:
			out[at] = byte(random.IntN(256))
		case 1:
			out[at] ^= 1 << random.IntN(8)
		case 2:
			out = append(out[:at], out[at+1:]...)
		case 3:
			out = append(out[:at], append([]byte{byte(random.IntN(256))}, out[at:]...)...)
		default:
			out = out[:at]
		}
	}
	return out
}

// jsonTokens splits valid JSON, without its white space.
func jsonTokens(text string) []string {
	var tokens []string
	for text != "" {
		size := 1
		switch c := text[0]; {
		case c == ' ' || c == '\n':
			text = text[1:]
			continue
		case c == '"':
			for size < len(text) && text[size] != '"' {
				if text[size] == '\\' {
					size++
				}
				size++
			}
			size = min(size+1, len(text))
		case strings.IndexByte("{}[]:,", c) < 0:
			for size < len(text) && strings.IndexByte("{}[]:, \n", text[size]) < 0 {
				size++
			}
		}
		tokens = append(tokens, text[:size])
		text = text[size:]
	}
	return tokens
}

// pick is the index of a token that is as wanted, or -1 if a few tries find none.
func (m *jsonMutator) pick(wanted func(i int) bool) int {
	for range 20 {
		if i := m.IntN(len(m.tokens)); wanted(i) {
			return i
		}
	}
	return -1
}

func (m *jsonMutator) isKey(i int) bool {
	return m.isString(i) && i+1 < len(m.tokens) && m.tokens[i+1] == ":"
}

func (m *jsonMutator) isString(i int) bool { return m.tokens[i][0] == '"' }

func (m *jsonMutator) isScalar(i int) bool {
	return strings.IndexByte("{}[]:,", m.tokens[i][0]) < 0 && !m.isKey(i)
}

// valueEnd is the index after the value that starts at i.
func (m *jsonMutator) valueEnd(i int) int {
	depth := 0
	for ; i < len(m.tokens); i++ {
		switch m.tokens[i] {
		case "{", "[":
			depth++
		case "}", "]":
			depth--
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return i
}

// splice replaces the tokens from start to end.
func (m *jsonMutator) splice(start, end int, with ...string) {
	m.tokens = append(append(append([]string(nil), m.tokens[:start]...), with...), m.tokens[min(end, len(m.tokens)):]...)
}

// replacements are scalars that some field takes, and some that none does.
var replacements = strings.Split(`null|true|false|0|-0|1|-1|1.0|-0.0|1e0|1E+2|1e-2|100e-2|0.5|2147483647|2147483648|-2147483648|-2147483649|`+
	`4294967295|4294967296|9223372036854775807|9223372036854775808|-9223372036854775808|-9223372036854775809|`+
	`18446744073709551615|18446744073709551616|1e308|1e309|-1e309|1e400|1e-400|3.5e38|1e100000|1e1000000000000|0.1e-9999999999|`+
	`12345678901234567890123|1.7976931348623157e308|0.000000000000000000000000000001|9007199254740993.0|1.8446744073709551615e19|`+
	`01|00|1.|.5|+1|-|1e|1e+|0x1|NaN|Infinity|-Infinity|nul|tru|True|`+
	`""|"NaN"|"Infinity"|"-Infinity"|"+Infinity"|"inf"|"nan"|"-NaN"|"null"|"true"|"false"|"1"|"-1"|"1.0"|"1e3"|" 1"|"1 "|"01"|"+1"|"0x1"|"1_0"|"-"|`+
	`"2147483648"|"9223372036854775808"|"18446744073709551615"|"\u0031"|"\u002d1"|"1\u0065\u0032"|"1e400"|"\ud83d\ude00"|"\ud83d"|"\ude00"|"\ud83d\u0041"|`+
	`"\u0000"|"\b\f\n\r\t\/\\\""|"\x"|"\u12"|"\u12G4"|"AA=="|"AA"|"AA="|"AAA="|"AAA"|"AAAA"|"A"|"AB=="|"-_-_"|"+/+/"|"-_+/"|"A A="|"AA==\n"|"\u0041A=="|"=="|`+
	`"COLOR_RED"|"COLOR_CRIMSON"|"COLOR_\u0052ED"|"color_red"|"SIZE_SMALL"|"OPEN_ONE"|"CLOSED_TWO"|"NULL_VALUE"|`+
	`"1970-01-01T00:00:00Z"|"0001-01-01T00:00:00Z"|"9999-12-31T23:59:59.999999999Z"|"10000-01-01T00:00:00Z"|"0000-12-31T00:00:00Z"|`+
	`"2024-02-29T1:02:03Z"|"2024-02-29T01:02:03z"|"2024-02-29t01:02:03Z"|"2023-02-29T01:02:03Z"|"2024-02-29T01:02:60Z"|"2024-02-29T24:00:00Z"|`+
	`"2024-02-29T01:02:03.1234567891Z"|"2024-02-29T01:02:03,5Z"|"2024-02-29T01:02:03.Z"|"2024-02-29T01:02:03+25:00"|"2024-02-29T01:02:03-00:60"|`+
	`"2024-02-29T01:02:03+14:30"|"2024-02-29T01:02:03.5-07:00"|"0001-01-01T00:00:00+01:00"|"9999-12-31T23:59:59-01:00"|"2024-02-29 01:02:03Z"|"2024-2-29T01:02:03Z"|`+
	`"0s"|"-0s"|"1s"|"-1.5s"|"+1s"|"1.s"|".5s"|"-.5s"|"1.0000000001s"|"1.123456789s"|"315576000000s"|"315576000001s"|"-315576000000.9s"|"1"|"s"|"1S"|"1ms"|"01s"|"1e3s"|" 1s"|"1 s"|`+
	`"a,b"|"fooBar"|"foo.barBaz,x"|"foo_bar"|"fooBar,"|",fooBar"|"foo..bar"|"Foo"|"f00Bar1"|" a"|"é"|"type.googleapis.com/google.protobuf.Empty"|"google.protobuf.Empty"|"/google.protobuf.Duration"`, "|")

func (m *jsonMutator) replaceScalar() {
	if i := m.pick(m.isScalar); i >= 0 {
		m.tokens[i] = replacements[m.IntN(len(replacements))]
	}
}

// escapeString writes some characters of a string otherwise: as escapes, in
// either case, with surrogates for what needs two.
func (m *jsonMutator) escapeString() {
	i := m.pick(m.isString)
	if i < 0 || len(m.tokens[i]) < 2 || strings.Contains(m.tokens[i], `\`) {
		return
	}
	var out strings.Builder
	out.WriteByte('"')
	for _, char := range m.tokens[i][1 : len(m.tokens[i])-1] {
		switch {
		case m.IntN(3) > 0:
			out.WriteRune(char)
		case char == '/':
			out.WriteString(`\/`)
		case char >= 0x10000:
			high, low := utf16.EncodeRune(char)
			fmt.Fprintf(&out, `\u%04x\u%04X`, high, low)
		default:
			fmt.Fprintf(&out, []string{`\u%04x`, `\u%04X`}[m.IntN(2)], char)
		}
	}
	out.WriteByte('"')
	m.tokens[i] = out.String()
}

func (m *jsonMutator) quoteOrUnquote() {
	i := m.pick(m.isScalar)
	switch {
	case i < 0:
	case m.isString(i) && len(m.tokens[i]) > 2:
		m.tokens[i] = strings.Trim(m.tokens[i], `"`)
	default:
		m.tokens[i] = `"` + strings.Trim(m.tokens[i], `"`) + `"`
	}
	m.dropEmpty()
}

// dropEmpty keeps every token at least one byte long.
func (m *jsonMutator) dropEmpty() {
	kept := m.tokens[:0]
	for _, token := range m.tokens {
		if token != "" {
			kept = append(kept, token)
		}
	}
	m.tokens = kept
}

// rewriteNumber writes a number in another form, mostly of the same value.
func (m *jsonMutator) rewriteNumber() {
	i := m.pick(func(i int) bool {
		digits := strings.Trim(m.tokens[i], `"-`)
		return m.isScalar(i) && digits != "" && digits[0] >= '0' && digits[0] <= '9'
	})
	if i < 0 {
		return
	}
	number, quoted := strings.Trim(m.tokens[i], `"`), m.isString(i)
	suffixes := []string{".0", "e0", "E+0", "e-0", ".000", "0e-1", "00E-02", "e1", ".5", "0", " ", "."}
	number += suffixes[m.IntN(len(suffixes))]
	if quoted {
		number = `"` + number + `"`
	}
	m.tokens[i] = number
}

// member is where a key and its value are.
func (m *jsonMutator) member() (start, end int) {
	start = m.pick(m.isKey)
	if start < 0 {
		return -1, -1
	}
	return start, m.valueEnd(start + 2)
}

// repeatMember writes a member twice, now and then with another value.
func (m *jsonMutator) repeatMember() {
	start, end := m.member()
	if start < 0 || end > len(m.tokens) {
		return
	}
	repeated := append([]string(nil), m.tokens[start:end]...)
	if m.IntN(2) == 0 {
		repeated = append(repeated[:2], replacements[m.IntN(len(replacements))])
	}
	m.splice(end, end, append([]string{","}, repeated...)...)
}

// moveMember puts a member before another, of the same object or not.
func (m *jsonMutator) moveMember() {
	start, end := m.member()
	if start < 0 || end >= len(m.tokens) {
		return
	}
	moved := append([]string(nil), m.tokens[start:end]...)
	switch {
	case m.tokens[end] == ",":
		m.splice(start, end+1)
	case start > 0 && m.tokens[start-1] == ",":
		m.splice(start-1, end)
	default:
		return
	}
	if to := m.pick(m.isKey); to >= 0 {
		m.splice(to, to, append(moved, ",")...)
	}
}

func (m *jsonMutator) dropMember() {
	start, end := m.member()
	if start < 0 {
		return
	}
	if end < len(m.tokens) && m.tokens[end] == "," {
		end++
	}
	m.splice(start, end)
}

// renameKey makes a key another one of the text, or one that is unknown.
func (m *jsonMutator) renameKey() {
	i := m.pick(m.isKey)
	if i < 0 {
		return
	}
	if other := m.pick(m.isKey); other >= 0 && m.IntN(2) == 0 {
		m.tokens[i] = m.tokens[other]
		return
	}
	keys := []string{`"unknown"`, `""`, `"@type"`, `"value"`, `"[transcode.contracts.extra_number]"`, `"[no.such]"`, `"seconds"`, `"\ud800"`}
	m.tokens[i] = keys[m.IntN(len(keys))]
}

// copyValue writes a value of the text in the place of another.
func (m *jsonMutator) copyValue() {
	from := m.pick(func(i int) bool { return m.isScalar(i) || m.tokens[i] == "{" || m.tokens[i] == "[" })
	to := m.pick(func(i int) bool { return m.isScalar(i) || m.tokens[i] == "{" || m.tokens[i] == "[" })
	if from >= 0 && to >= 0 && len(m.tokens) < 4000 {
		m.splice(to, m.valueEnd(to), append([]string(nil), m.tokens[from:m.valueEnd(from)]...)...)
	}
}

func (m *jsonMutator) replaceValue() {
	to := m.pick(func(i int) bool { return m.isScalar(i) || m.tokens[i] == "{" || m.tokens[i] == "[" })
	values := []string{`null`, `{}`, `[]`, `[null]`, `{"a":null}`, `[[]]`, `{"value":1}`, `[1,]`, `[,]`, `{,}`, `{"a"}`, `{"a":1,}`}
	if to >= 0 {
		m.splice(to, m.valueEnd(to), jsonTokens(values[m.IntN(len(values))])...)
	}
}

func (m *jsonMutator) dropToken() {
	i := m.IntN(len(m.tokens))
	m.splice(i, i+1)
}

func (m *jsonMutator) insertToken() {
	tokens := []string{"{", "}", "[", "]", ":", ",", "null", `"x"`, "//", "\ufeff", string(utf8.RuneError), "\v", "\x00", "\u00a0"}
	i := m.IntN(len(m.tokens) + 1)
	m.splice(i, i, tokens[m.IntN(len(tokens))])
}
