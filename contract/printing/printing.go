// Package printing shows contracts as they would stand in .proto files.
package printing

import (
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/desc" //nolint:staticcheck // The printer takes these; its successor, for others, is a pre-release.
	"github.com/jhump/protoreflect/desc/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/contract"
)

// Element is an element as it would stand in a .proto file, with its comments where
// they are known.
func Element(element protoreflect.Descriptor) (text string, err error) {
	// What it prints may be a stranger's, and the printer expects what compilers
	// write.
	defer func() {
		if unexpected := recover(); unexpected != nil {
			err = fmt.Errorf("%s cannot be printed: %v", element.FullName(), unexpected)
		}
	}()
	wrapped, err := desc.WrapDescriptor(element)
	if err != nil {
		return "", err
	}
	printer := protoprint.Printer{Indent: "  "}
	text, err = printer.PrintProtoToString(wrapped)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(text) + "\n", nil
}

// Services is all services of a contract.
func Services(c *contract.Contract) (string, error) {
	var texts []string
	for _, service := range c.Services {
		text, err := Element(service.ServiceDescriptor)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n"), nil
}
