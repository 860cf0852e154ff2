package contract

import (
	"strings"

	"github.com/jhump/protoreflect/desc" //nolint:staticcheck // The printer takes these; its successor, for others, is a pre-release.
	"github.com/jhump/protoreflect/desc/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Text is an element as it would stand in a .proto file, with its comments where
// they are known.
func Text(element protoreflect.Descriptor) (string, error) {
	wrapped, err := desc.WrapDescriptor(element)
	if err != nil {
		return "", err
	}
	printer := protoprint.Printer{Indent: "  "}
	text, err := printer.PrintProtoToString(wrapped)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(text) + "\n", nil
}

// Text is all services of the contract.
func (c *Contract) Text() (string, error) {
	var texts []string
	for _, service := range c.services() {
		text, err := Text(service)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n"), nil
}
