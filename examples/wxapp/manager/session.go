// Package manager implements the wxapp module: version 1.0 in [V1], version 1.1
// in [V1p1].
package manager

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// sessionKeyBytes is the length of a session key.
const sessionKeyBytes = 16

// sessionKey derives the key of a session from the code of its log-in. Whoever
// knows the app's secret gets the same key for the same code.
func sessionKey(secret string, code []byte) []byte {
	return derive(secret, "session", code)
}

// openID names the user that a code belongs to, for one app alone.
func openID(secret string, code []byte) string {
	return "o" + base64.RawURLEncoding.EncodeToString(derive(secret, "openid", code))
}

func derive(secret, purpose string, code []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write(code)
	return mac.Sum(nil)[:sessionKeyBytes]
}

// invalidField is the error about one field of a request. Its detail lets a
// program find out what its text tells people.
func invalidField(field, problem string) error {
	return runtime.NewError(codes.InvalidArgument, field+" "+problem).WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: problem}},
	})
}
