package manager

import (
	"context"
	"crypto/rand"
	"log/slog"
	"unicode/utf8"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
)

// maxTextCharacters is the length of the longest message.
const maxTextCharacters = 140

// V1 is version 1.0. It is safe for concurrent use.
type V1 struct {
	wxappv1.UnimplementedWxappManagerServer

	// Secret is the app's secret, from which session keys are derived.
	Secret string
}

// SessionKey implements the method of the contract.
func (m *V1) SessionKey(_ context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
	if len(request.GetCode()) == 0 {
		return nil, invalidField("Code", "is missing")
	}
	return &wxappv1.SessionKeyResponse{SessionKey: sessionKey(m.Secret, request.GetCode())}, nil
}

// SendMessage implements the method of the contract. The example sends nothing:
// it logs that it would.
func (m *V1) SendMessage(ctx context.Context, request *wxappv1.SendMessageRequest) (*wxappv1.SendMessageResponse, error) {
	switch length := utf8.RuneCountInString(request.GetText()); {
	case len(request.GetSessionKey()) != sessionKeyBytes:
		return nil, invalidField("SessionKey", "is not one that SessionKey has given")
	case length == 0:
		return nil, invalidField("Text", "is missing")
	case length > maxTextCharacters:
		return nil, invalidField("Text", "is longer than 140 characters")
	}
	id := rand.Text()
	slog.InfoContext(ctx, "message sent", "message_id", id)
	return &wxappv1.SendMessageResponse{MessageId: id}, nil
}
