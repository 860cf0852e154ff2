package gateway

import (
	"net/http"
	"strings"

	"github.com/mqrpc/mqrpc/runtime"
)

// reservedMetadata begins the keys that no header and no worker can set.
const reservedMetadata = "mqrpc-"

// forward is a request header that travels to the worker as metadata.
type forward struct{ header, metadata string }

// newForwards spells the headers' names as requests and metadata have them.
func newForwards(headers []string) []forward {
	var forwards []forward
	for _, header := range headers {
		forwards = append(forwards, forward{http.CanonicalHeaderKey(header), strings.ToLower(header)})
	}
	return forwards
}

// metadataOf is what travels beside a call: the request's id and the chosen
// headers. Several headers of one name are joined as HTTP does.
func (g *Gateway) metadataOf(request *Request) runtime.Metadata {
	metadata := runtime.Metadata{requestIDMetadata: request.ID}
	for _, forward := range g.forwards {
		if values := request.Header[forward.header]; len(values) > 0 && forward.metadata != requestIDMetadata {
			metadata[forward.metadata] = strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		}
	}
	return metadata
}
