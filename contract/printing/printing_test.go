package printing_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract/printing"
)

// TestCommentsDoNotControlTheTerminal: a contract may be a stranger's.
func TestCommentsDoNotControlTheTerminal(t *testing.T) {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("evil.proto"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Evil")}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
			{Path: []int32{4, 0}, Span: []int32{1, 0, 10}, LeadingComments: proto.String(" Look:\n\x1b]52;c;cm0gLXJm\x07 ä\r \u009b2J\n")},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := printing.Element(file.Messages().Get(0))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "// Look:\n") || !strings.Contains(text, "ä") || strings.ContainsAny(text, "\x1b\x07\r\u009b") {
		t.Errorf("got %q", text)
	}
}
