package form

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/gateway"
)

// Path is where the front is.
const Path = "/gateway"

// TimeoutHeader shortens the time that the caller waits: a number with a unit
// (ms, s, m), for example "500ms". It never makes the time longer.
const TimeoutHeader = "X-Mqrpc-Timeout"

// New returns the front.
func New() gateway.Front { return front{} }

type front struct{}

// Register implements [gateway.Front].
func (front) Register(mux *http.ServeMux, g *gateway.Gateway) { mux.Handle(Path, &handler{g}) }

type handler struct{ gateway *gateway.Gateway }

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.gateway.WriteError(w, r, gateway.MethodNotAllowed(w, r, http.MethodPost))
		return
	}
	request, err := h.gateway.NewRequest(r.Context(), r.Header, gateway.Caller{Address: r.RemoteAddr})
	if err != nil {
		h.gateway.WriteError(w, r, err)
		return
	}
	defer request.Release()
	response := h.answer(w, r, request)
	for key, value := range response.Metadata {
		if strings.HasPrefix(key, "mqrpc-") {
			w.Header().Set("X-"+key, value)
		}
	}
	if response.Err != nil {
		h.gateway.WriteError(w, r, response.Err)
		return
	}
	gateway.WriteJSON(w, http.StatusOK, response.Payload)
}

// answer decodes what is asked for, and has it done.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, request *gateway.Request) gateway.Response {
	decode, err := decoderFor(r.Header)
	if err != nil {
		return gateway.Response{Err: err}
	}
	ctx, cancel, err := within(r.Context(), request.Arrived, r.Header)
	if err != nil {
		return gateway.Response{Err: err}
	}
	defer cancel()
	body, err := request.ReadBody(ctx, w, r)
	if err != nil {
		return gateway.Response{Err: err}
	}
	given, err := decode(body)
	if err == nil {
		err = given.complete()
	}
	if err != nil {
		return gateway.Response{Err: err}
	}
	if err := request.Resolve(ctx, given.module.text(), given.version.text(), given.method.text()); err != nil {
		return gateway.Response{Err: err}
	}
	request.Codec, request.Body = gateway.CodecJSON, given.bizContent.value
	return h.gateway.Do(ctx, request)
}

// within is the context with the time that the caller has asked for, from the
// request's arrival.
func within(ctx context.Context, arrived time.Time, header http.Header) (context.Context, context.CancelFunc, error) {
	given := header.Get(TimeoutHeader)
	if given == "" {
		return ctx, func() {}, nil
	}
	timeout, err := time.ParseDuration(given)
	if err != nil || timeout <= 0 {
		return nil, nil, gateway.NewError(codes.InvalidArgument, gateway.ReasonInvalidTimeout,
			"header "+TimeoutHeader+" is "+gateway.Quote(given)+`; it must be a positive number with a unit, for example "500ms"`)
	}
	ctx, cancel := context.WithDeadline(ctx, arrived.Add(timeout))
	return ctx, cancel, nil
}

// The media types of requests.
const (
	formMediaType = "application/x-www-form-urlencoded"
	jsonMediaType = "application/json"
)

// decoderFor chooses the decoder by the request's content type.
func decoderFor(header http.Header) (decode func(body []byte) (params, error), err error) {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, gateway.NewHTTPError(http.StatusUnsupportedMediaType, gateway.ReasonUnsupportedType,
			"content encoding "+gateway.Quote(encoding)+" is not supported: send the body as it is")
	}
	given := header.Get("Content-Type")
	mediaType := given // as most clients write it
	if mediaType != formMediaType && mediaType != jsonMediaType {
		mediaType, _, err = mime.ParseMediaType(given)
		if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
			mediaType = ""
		}
	}
	switch mediaType {
	case formMediaType:
		return decodeForm, nil
	case jsonMediaType:
		return decodeJSON, nil
	}
	return nil, gateway.NewHTTPError(http.StatusUnsupportedMediaType, gateway.ReasonUnsupportedType,
		"content type "+gateway.Quote(given)+" is not supported; supported: application/x-www-form-urlencoded, application/json")
}
