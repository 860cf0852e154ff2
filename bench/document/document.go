// Package document makes the messages of the rows of gateways and transcoders:
// JSON of an exact size that has what the JSON of APIs has.
package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
)

// Smallest is the size of the smallest document: {"Code":"d3JmZGZkc2Y="}.
const Smallest = 23

// Of returns the document whose compact JSON has a size, and that JSON. Between
// the smallest document and about 400 bytes there is none.
func Of(size int) (*benchv1.Document, []byte, error) {
	document := &benchv1.Document{Code: []byte("wrfdfdsf")}
	if size == Smallest {
		text, err := compactJSON(document)
		return document, text, err
	}
	document.Number = 9007199254740993 // beyond what a float64 holds
	document.Created = timestamppb.New(time.Date(2024, 2, 29, 12, 30, 15, 123_000_000, time.UTC))
	document.State = benchv1.State_STATE_SENT
	document.Total = 1234.56
	document.Paid = true
	document.Labels = map[string]string{"channel": "web", "customer": "Ærøskøbing", "priority": "3"}
	for {
		document.Lines = append(document.GetLines(), lineOf(len(document.GetLines())))
		text, err := compactJSON(document)
		if err != nil {
			return nil, nil, err
		}
		if len(text) > size {
			break
		}
	}
	document.Lines = document.GetLines()[:len(document.GetLines())-1]
	return filled(document, size)
}

// filled gives a document the id with which it has the size.
func filled(document *benchv1.Document, size int) (*benchv1.Document, []byte, error) {
	document.Id = "-"
	text, err := compactJSON(document)
	if err != nil {
		return nil, nil, err
	}
	missing := size - len(text)
	if missing < 0 {
		return nil, nil, fmt.Errorf("there is no document of %d bytes of JSON", size)
	}
	document.Id += string(bytes.Repeat([]byte("7"), missing))
	text, err = compactJSON(document)
	return document, text, err
}

func lineOf(i int) *benchv1.Line {
	return &benchv1.Line{
		Article:   fmt.Sprintf("A-%06d", 7919*i%1_000_000),
		Title:     fmt.Sprintf("Article no. %d, \"boxed\"", i),
		Quantity:  uint32(i%9 + 1),         //nolint:gosec // at most 9
		Price:     float64(199+37*i) / 100, // has decimals
		Available: i%3 != 0,
		Tags:      []string{"blue", "sale"},
		Sizes:     []int32{36, 38, int32(40 + i%4)},
	}
}

// compactJSON is protojson without the spaces that it puts in at random.
func compactJSON(document *benchv1.Document) ([]byte, error) {
	spaced, err := protojson.Marshal(document)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := json.Compact(&text, spaced); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
