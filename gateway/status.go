package gateway

import (
	"bytes"
	"encoding/json"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/transcode"
)

// statusJSON is a google.rpc.Status as ProtoJSON writes it.
type statusJSON struct {
	Code    int32             `json:"code"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details,omitempty"`
}

// opaqueDetail stands for a detail that the gateway cannot read. ProtoJSON knows
// no form for it; this is the one that protobuf's other encodings have.
type opaqueDetail struct {
	TypeURL string `json:"@type"`
	Value   []byte `json:"value"`
}

// encodeStatus is the JSON of an error's status. Details of unknown types, or
// whose bytes are not what their type says, are written as base64.
func encodeStatus(status *spb.Status, details *transcode.Message) ([]byte, error) {
	out := statusJSON{Code: status.GetCode(), Message: status.GetMessage()}
	for _, detail := range status.GetDetails() {
		encoded, err := encodeDetail(detail, details)
		if err != nil {
			return nil, err
		}
		out.Details = append(out.Details, encoded)
	}
	return encodeJSON(out)
}

func encodeDetail(detail *anypb.Any, details *transcode.Message) ([]byte, error) {
	if wire, err := proto.Marshal(detail); err == nil {
		if encoded, err := details.AppendJSON(nil, wire); err == nil {
			return encoded, nil
		}
	}
	return encodeJSON(opaqueDetail{TypeURL: detail.GetTypeUrl(), Value: detail.GetValue()})
}

// encodeJSON is json.Marshal without HTML's escapes, which help nobody here.
func encodeJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
