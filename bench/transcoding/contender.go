package transcoding

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
	"github.com/mqrpc/mqrpc/transcode"
)

// Direction is what becomes what.
type Direction string

// The directions.
const (
	JSONToWire Direction = "JSON to wire"
	WireToJSON Direction = "wire to JSON"
)

// The contenders.
const (
	Transcode = "transcode"
	Dynamic   = "protojson, dynamicpb"
	Generated = "protojson, generated"
)

// convert appends a document in the other encoding to dst, which has room.
type convert func(dst, document []byte) ([]byte, error)

// contender is a way to convert documents.
type contender struct {
	name               string
	toWire, toDocument convert
}

func contenders() ([]contender, error) {
	descriptor := (*benchv1.Document)(nil).ProtoReflect().Descriptor()
	message, err := transcode.New(descriptor, transcode.Options{})
	if err != nil {
		return nil, fmt.Errorf("transcode: %w", err)
	}
	return []contender{
		{Transcode, message.AppendWire, message.AppendJSON},
		viaMessages(Dynamic, func() proto.Message { return dynamicpb.NewMessage(descriptor) }),
		viaMessages(Generated, func() proto.Message { return &benchv1.Document{} }),
	}, nil
}

// viaMessages converts by protojson, through new messages of one type.
func viaMessages(name string, message func() proto.Message) contender {
	return contender{
		name: name,
		toWire: func(dst, document []byte) ([]byte, error) {
			m := message()
			if err := protojson.Unmarshal(document, m); err != nil {
				return nil, err
			}
			return proto.MarshalOptions{}.MarshalAppend(dst, m)
		},
		toDocument: func(dst, wire []byte) ([]byte, error) {
			m := message()
			if err := proto.Unmarshal(wire, m); err != nil {
				return nil, err
			}
			return protojson.MarshalOptions{}.MarshalAppend(dst, m)
		},
	}
}
