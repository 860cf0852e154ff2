package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/gateway"
)

// decodeJSON reads the parameters from application/json: an object with the
// parameters' names. bizContent is JSON itself, or a string that holds it.
func decodeJSON(body []byte) (params, error) {
	fields, err := readObject(body)
	if err != nil {
		return params{}, err
	}
	var p params
	for _, text := range []struct {
		name  string
		param *param
	}{{paramModule, &p.module}, {paramVersion, &p.version}, {paramMethod, &p.method}} {
		if text.param.value, err = textField(fields, text.name); err != nil {
			return params{}, err
		}
	}
	p.bizContent.value, err = contentField(fields)
	return p, err
}

// readObject splits an object into the parameters' values, and ignores what
// else is in it.
func readObject(body []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if token, err := decoder.Token(); err != nil {
		return nil, malformedJSON(body, err)
	} else if token != json.Delim('{') {
		return nil, malformed("the body is not a JSON object")
	}
	fields := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, malformedJSON(body, err)
		}
		name, _ := token.(string) // The decoder accepts nothing else here.
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, malformedJSON(body, err)
		}
		switch name {
		case paramModule, paramVersion, paramMethod, paramBizContent:
			if _, there := fields[name]; there {
				return nil, duplicate(name)
			}
			fields[name] = value
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, malformedJSON(body, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("the body goes on after its JSON object, " + position(body, decoder.InputOffset()))
	}
	return fields, nil
}

// textField is a parameter's value, empty for none and for null.
func textField(fields map[string]json.RawMessage, name string) ([]byte, error) {
	raw, there := fields[name]
	if !there {
		return nil, nil
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, gateway.InvalidParameter(codes.InvalidArgument, gateway.ReasonInvalidParameter, name,
			"parameter "+name+" is not a string but "+gateway.Quote(string(raw)))
	}
	return []byte(value), nil
}

// contentField is the JSON of the request message, nil for none and for null.
func contentField(fields map[string]json.RawMessage) ([]byte, error) {
	raw := fields[paramBizContent]
	if len(raw) > 0 && raw[0] == '"' {
		return textField(fields, paramBizContent)
	}
	if string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}

// malformedJSON says where the body is wrong. The decoder reads piece by piece
// and loses the place, so the whole is looked at again.
func malformedJSON(body []byte, err error) error {
	offset := int64(len(body))
	var whole json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(body, &whole)); ok {
		err = syntax
		offset = syntax.Offset - 1 // It counts the byte that is wrong.
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			offset = int64(len(body))
		}
	}
	return malformed("the body is malformed JSON, " + position(body, offset) + ": " + err.Error())
}

// position is an offset for people.
func position(body []byte, offset int64) string {
	before := body[:max(0, min(offset, int64(len(body))))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("line %d:%d", line, column)
}
