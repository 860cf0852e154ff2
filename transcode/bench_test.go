package transcode_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/transcode"
	orderv1 "github.com/mqrpc/mqrpc/transcode/internal/order/v1"
)

// payload is one record of the benchmarks, in both encodings.
type payload struct {
	name    string
	message proto.Message
	json    []byte
	wire    []byte
}

func payloads(t testing.TB) []payload {
	t.Helper()
	orders := &orderv1.Orders{NextPageToken: "eyJvZmZzZXQiOjQ2fQ"}
	for i := range 46 {
		orders.Orders = append(orders.Orders, sampleOrder(i))
	}
	all := []payload{
		{name: "23B", message: &orderv1.Session{Code: []byte("wrfddslF")}},
		{name: "1KB", message: sampleOrder(7)},
		{name: "50KB", message: orders},
	}
	for i := range all {
		p := &all[i]
		spaced, err := protojson.Marshal(p.message)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, spaced); err != nil {
			t.Fatal(err)
		}
		p.json = compact.Bytes()
		if p.wire, err = (proto.MarshalOptions{Deterministic: true}).Marshal(p.message); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// sampleOrder is the n-th order: all are alike, and no two the same.
func sampleOrder(n int) *orderv1.Order {
	order := &orderv1.Order{
		Id:        fmt.Sprintf("ord-2026-%08d", 31_415_926+n*271),
		Number:    9_000_000_000 + int64(n),
		Status:    orderv1.Status(1 + n%3),
		CreatedAt: &timestamppb.Timestamp{Seconds: 1_767_225_600 + int64(n)*3607, Nanos: 125_000_000},
		Customer: &orderv1.Customer{
			Id: 77_000 + uint64(n), Name: "José Ångström", Email: fmt.Sprintf("jose.%d@example.com", n),
			Address: &orderv1.Address{Street: "12 Long Street", City: "Gothenburg", PostalCode: "411 05", Country: "SE"},
		},
		Labels:       map[string]string{"channel": "web", "campaign": "spring \"26\"", "priority": "normal"},
		Total:        &orderv1.Money{Currency: "EUR", Units: 1234 + int64(n), Nanos: 990_000_000},
		Gift:         n%2 == 1,
		WarehouseIds: []int32{3, 14, 159},
		Weight:       12.75 + float64(n),
		Checksum:     []byte{0xde, 0xad, 0xbe, 0xef, byte(n), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		Payment:      &orderv1.Order_Card{Card: &orderv1.Card{LastDigits: "4242", ExpiryMonth: 11, ExpiryYear: 2029}},
	}
	for i := range 4 {
		order.Items = append(order.Items, &orderv1.Item{
			Sku: fmt.Sprintf("SKU-%05d", 10_000+n*7+i), Title: "Espresso cup, white", Quantity: uint32(1 + i),
			Price: &orderv1.Money{Currency: "EUR", Units: 12 + int64(i), Nanos: 500_000_000},
			Tags:  []string{"kitchen", "new"},
		})
	}
	return order
}

// BenchmarkAppendWire compares ways from JSON to wire.
func BenchmarkAppendWire(b *testing.B) {
	for _, p := range payloads(b) {
		b.Run(p.name, func(b *testing.B) {
			b.Run("transcode", func(b *testing.B) {
				message := orderConverter(b, p)
				measure(b, p.json, func(dst []byte) ([]byte, error) { return message.AppendWire(dst, p.json) })
			})
			b.Run("dynamicpb", func(b *testing.B) {
				descriptor := p.message.ProtoReflect().Descriptor()
				measure(b, p.json, func(dst []byte) ([]byte, error) { return unmarshalJSON(dst, p.json, dynamicpb.NewMessage(descriptor)) })
			})
			b.Run("generated", func(b *testing.B) {
				messageType := p.message.ProtoReflect().Type()
				measure(b, p.json, func(dst []byte) ([]byte, error) { return unmarshalJSON(dst, p.json, messageType.New().Interface()) })
			})
		})
	}
}

// BenchmarkAppendJSON compares ways from wire to JSON.
func BenchmarkAppendJSON(b *testing.B) {
	for _, p := range payloads(b) {
		b.Run(p.name, func(b *testing.B) {
			b.Run("transcode", func(b *testing.B) {
				message := orderConverter(b, p)
				measure(b, p.json, func(dst []byte) ([]byte, error) { return message.AppendJSON(dst, p.wire) })
			})
			b.Run("dynamicpb", func(b *testing.B) {
				descriptor := p.message.ProtoReflect().Descriptor()
				measure(b, p.json, func(dst []byte) ([]byte, error) { return marshalJSON(dst, p.wire, dynamicpb.NewMessage(descriptor)) })
			})
			b.Run("generated", func(b *testing.B) {
				messageType := p.message.ProtoReflect().Type()
				measure(b, p.json, func(dst []byte) ([]byte, error) { return marshalJSON(dst, p.wire, messageType.New().Interface()) })
			})
		})
	}
}

func orderConverter(t testing.TB, p payload) *transcode.Message {
	t.Helper()
	message, err := transcode.New(p.message.ProtoReflect().Descriptor(), transcode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// measure runs one conversion into a buffer that is used again and again. The
// rate is in bytes of JSON, in both directions.
func measure(b *testing.B, jsonText []byte, convert func(dst []byte) ([]byte, error)) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(jsonText)))
	var buffer []byte
	for b.Loop() {
		appended, err := convert(buffer[:0])
		if err != nil {
			b.Fatal(err)
		}
		buffer = appended
	}
}

// unmarshalJSON is the way from JSON by a message object.
func unmarshalJSON(dst, jsonText []byte, message proto.Message) ([]byte, error) {
	if err := protojson.Unmarshal(jsonText, message); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, message)
}

// marshalJSON is the way to JSON by a message object.
func marshalJSON(dst, wire []byte, message proto.Message) ([]byte, error) {
	if err := proto.Unmarshal(wire, message); err != nil {
		return nil, err
	}
	return protojson.MarshalOptions{}.MarshalAppend(dst, message)
}
