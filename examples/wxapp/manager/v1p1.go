package manager

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
)

// sessionLifetime is how long a session lasts.
const sessionLifetime = 2 * time.Hour

// V1p1 is version 1.1. It is safe for concurrent use.
type V1p1 struct {
	wxappv1p1.UnimplementedWxappManagerServer

	// Secret is the app's secret, from which session keys are derived.
	Secret string
}

// SessionKey implements the method of the contract.
func (m *V1p1) SessionKey(_ context.Context, request *wxappv1p1.SessionKeyRequest) (*wxappv1p1.SessionKeyResponse, error) {
	if len(request.GetCode()) == 0 {
		return nil, invalidField("Code", "is missing")
	}
	return &wxappv1p1.SessionKeyResponse{
		SessionKey: sessionKey(m.Secret, request.GetCode()),
		OpenId:     openID(m.Secret, request.GetCode()),
		ExpiresIn:  durationpb.New(sessionLifetime),
	}, nil
}
