package gateway

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

// RequestIDHeader names the request, in requests and responses.
const RequestIDHeader = "X-Request-Id"

// requestIDMetadata is the metadata that tells the worker the request's id.
const requestIDMetadata = "x-request-id"

// maxRequestIDBytes bounds the ids that callers choose.
const maxRequestIDBytes = 128

// RequestID is the id of the request that a context belongs to, "" outside a
// gateway's request.
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.requestID
	}
	return ""
}

// identify gives every request its id. One that is not valid is replaced.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := firstOf(r.Header, RequestIDHeader)
		if !validRequestID(id) {
			id = newRequestID()
		}
		x := exchangeOf(r.Context())
		x.requestID, x.idHeader[0] = id, id
		w.Header()[RequestIDHeader] = x.idHeader[:]
		next.ServeHTTP(w, r)
	})
}

// firstOf is the first value of a header whose name is spelled as net/http spells
// it, which Get would make sure of every time.
func firstOf(header http.Header, name string) string {
	if values := header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// validRequestID accepts what is safe in a header, a log and a command line.
func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestIDBytes {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=', c == '@', c == ',':
		default:
			return false
		}
	}
	return true
}

// newRequestID is 128 random bits. Ids are to be unique; they are no secret.
func newRequestID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // as the comment says
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // likewise
	return hex.EncodeToString(id[:])
}
