package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// TimeoutHeader shortens the time that the caller waits: a number with a unit
// (ms, s, m), for example "500ms". It never makes the time longer.
const TimeoutHeader = "X-Mqrpc-Timeout"

// The parameters of a call.
const (
	paramModule     = "module"
	paramVersion    = "version"
	paramMethod     = "method"
	paramBizContent = "bizContent"
)

// callRequest is a request to POST /gateway, decoded.
type callRequest struct {
	module, version, method string
	bizContent              []byte
	timeout                 time.Duration // 0: the method's
	metadata                runtime.Metadata
}

// String names what is called, bounded.
func (c *callRequest) String() string {
	return bounded(c.module + "/" + c.version + "/" + c.method)
}

// params are the parameters as the body gives them; nil for one that is not
// there.
type params struct {
	module, version, method *string
	bizContent              []byte
}

// readCall reads a request's headers and body.
func (g *Gateway) readCall(w http.ResponseWriter, r *http.Request) (*callRequest, error) {
	decode, err := decoderFor(r.Header)
	if err != nil {
		return nil, err
	}
	timeout, err := readTimeout(r.Header)
	if err != nil {
		return nil, err
	}
	body, err := g.readBody(w, r)
	if err != nil {
		return nil, err
	}
	given, err := decode(body)
	if err != nil {
		return nil, err
	}
	call, err := given.complete()
	if err != nil {
		return nil, err
	}
	call.timeout = timeout
	call.metadata = g.metadataOf(r)
	return call, nil
}

// decoderFor chooses the decoder by the request's content type.
func decoderFor(header http.Header) (func(body []byte) (*params, error), error) {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, withStatus(http.StatusUnsupportedMediaType, ReasonUnsupportedType,
			"content encoding "+bounded(encoding)+" is not supported: send the body as it is")
	}
	given := header.Get("Content-Type")
	mediaType, _, err := mime.ParseMediaType(given)
	switch {
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
	case mediaType == "application/x-www-form-urlencoded":
		return decodeForm, nil
	case mediaType == "application/json":
		return decodeJSON, nil
	}
	return nil, withStatus(http.StatusUnsupportedMediaType, ReasonUnsupportedType,
		"content type "+bounded(given)+" is not supported; supported: application/x-www-form-urlencoded, application/json")
}

func readTimeout(header http.Header) (time.Duration, error) {
	given := header.Get(TimeoutHeader)
	if given == "" {
		return 0, nil
	}
	timeout, err := time.ParseDuration(given)
	if err != nil || timeout <= 0 {
		return 0, invalid(ReasonInvalidTimeout,
			"header "+TimeoutHeader+" is "+bounded(given)+`; it must be a positive number with a unit, for example "500ms"`)
	}
	return timeout, nil
}

// readBody reads the body within the limits on its size and its time.
func (g *Gateway) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := g.config.Limits.BodyBytes
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // The body is not read to its end.
		return nil, bodyTooLarge(limit)
	}
	// Where deadlines are not supported the server has its own protection.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(g.config.Timeouts.Body))
	var body bytes.Buffer
	// What the client claims is no reason to set much memory aside.
	body.Grow(int(min(max(r.ContentLength, 0), 64<<10)) + bytes.MinRead)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		w.Header().Set("Connection", "close")
		return nil, g.bodyError(r, err)
	}
	// From here on a read only watches for the client's leaving.
	_ = control.SetReadDeadline(time.Time{})
	return body.Bytes(), nil
}

func (g *Gateway) bodyError(r *http.Request, err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return bodyTooLarge(tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return withStatus(http.StatusRequestTimeout, ReasonBodyTimeout,
			"the body did not arrive within "+g.config.Timeouts.Body.String())
	case errors.Is(err, io.ErrUnexpectedEOF), r.Context().Err() == nil:
		return invalid(ReasonMalformedBody, "the body could not be read: "+err.Error())
	default:
		return runtime.Errorf(codes.Canceled, "the client has gone: %w", err)
	}
}

func bodyTooLarge(limit int64) error {
	return withStatus(http.StatusRequestEntityTooLarge, ReasonBodyTooLarge,
		"the body is larger than "+strconv.FormatInt(limit, 10)+" bytes")
}

// named is a parameter that is text.
type named struct {
	name  string
	value **string
}

// names are the parameters that are text, in the order in which errors are
// looked for.
func (p *params) names() []named {
	return []named{{paramModule, &p.module}, {paramVersion, &p.version}, {paramMethod, &p.method}}
}

// complete refuses parameters that are missing.
func (p *params) complete() (*callRequest, error) {
	for _, param := range p.names() {
		if value := *param.value; value == nil || *value == "" {
			return nil, missing(param.name)
		}
	}
	if len(bytes.TrimSpace(p.bizContent)) == 0 {
		return nil, missing(paramBizContent)
	}
	return &callRequest{module: *p.module, version: *p.version, method: *p.method, bizContent: p.bizContent}, nil
}

func missing(name string) error {
	return invalidParameter(codes.InvalidArgument, ReasonMissingParameter, name, "parameter "+name+" is missing")
}

func duplicate(name string) error {
	return invalidParameter(codes.InvalidArgument, ReasonDuplicateParameter, name, "parameter "+name+" is given more than once")
}

// encodeRequest turns the request's JSON into the message that travels.
func encodeRequest(to *route, call *callRequest) ([]byte, error) {
	payload, err := to.request.AppendWire(nil, call.bizContent)
	if err != nil {
		return nil, invalidParameter(codes.InvalidArgument, ReasonInvalidBizContent, paramBizContent,
			"bizContent is not a "+string(to.request.Descriptor().FullName())+": "+err.Error())
	}
	return payload, nil
}
