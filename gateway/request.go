package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
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
	bizContent              []byte        // in the request's buffers
	timeout                 time.Duration // 0: the method's
	metadata                runtime.Metadata
}

// String names what is called, bounded.
func (c *callRequest) String() string {
	return bounded(c.module + "/" + c.version + "/" + c.method)
}

// params are the parameters as the body gives them.
type params struct{ module, version, method, bizContent param }

// param is one of them.
type param struct {
	value []byte // in the request's buffers
	times int    // how often it is given
}

// find returns the parameter of that name, nil for a name that means nothing
// here.
func (p *params) find(name []byte) *param {
	switch string(name) {
	case paramModule:
		return &p.module
	case paramVersion:
		return &p.version
	case paramMethod:
		return &p.method
	case paramBizContent:
		return &p.bizContent
	}
	return nil
}

// onlyOnce refuses parameters that are given more than once.
func (p *params) onlyOnce() error {
	switch {
	case p.module.times > 1:
		return duplicate(paramModule)
	case p.version.times > 1:
		return duplicate(paramVersion)
	case p.method.times > 1:
		return duplicate(paramMethod)
	case p.bizContent.times > 1:
		return duplicate(paramBizContent)
	}
	return nil
}

// complete refuses parameters that are missing.
func (p *params) complete() error {
	switch {
	case len(p.module.value) == 0:
		return missing(paramModule)
	case len(p.version.value) == 0:
		return missing(paramVersion)
	case len(p.method.value) == 0:
		return missing(paramMethod)
	case len(bytes.TrimSpace(p.bizContent.value)) == 0:
		return missing(paramBizContent)
	}
	return nil
}

// call is what the parameters ask for.
func (p *params) call() *callRequest {
	var text strings.Builder // one piece of memory for all names
	text.Grow(len(p.module.value) + len(p.version.value) + len(p.method.value))
	for _, name := range [...][]byte{p.module.value, p.version.value, p.method.value} {
		text.Write(name)
	}
	names, version, method := text.String(), len(p.module.value), len(p.module.value)+len(p.version.value)
	return &callRequest{
		module:     names[:version],
		version:    names[version:method],
		method:     names[method:],
		bizContent: p.bizContent.value,
	}
}

// readCall reads a request's headers and body.
func (g *Gateway) readCall(w http.ResponseWriter, r *http.Request, memory *buffers) (*callRequest, error) {
	decode, err := decoderFor(r.Header)
	if err != nil {
		return nil, err
	}
	timeout, err := readTimeout(r.Header)
	if err != nil {
		return nil, err
	}
	if err := g.readBody(w, r, memory); err != nil {
		return nil, err
	}
	given, err := decode(memory.text)
	if err != nil {
		return nil, err
	}
	if err := given.complete(); err != nil {
		return nil, err
	}
	call := given.call()
	call.timeout = timeout
	call.metadata = g.metadataOf(r)
	return call, nil
}

// decoderFor chooses the decoder by the request's content type.
func decoderFor(header http.Header) (decode func(body []byte) (params, error), err error) {
	if encoding := first(header, "Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, withStatus(http.StatusUnsupportedMediaType, ReasonUnsupportedType,
			"content encoding "+bounded(encoding)+" is not supported: send the body as it is")
	}
	given := first(header, "Content-Type")
	switch mediaTypeOf(given) {
	case formMediaType:
		return decodeForm, nil
	case jsonMediaType:
		return decodeJSON, nil
	}
	return nil, withStatus(http.StatusUnsupportedMediaType, ReasonUnsupportedType,
		"content type "+bounded(given)+" is not supported; supported: application/x-www-form-urlencoded, application/json")
}

// The media types of requests.
const (
	formMediaType = "application/x-www-form-urlencoded"
	jsonMediaType = "application/json"
)

// mediaTypeOf is a content type without its parameters, "" if it is invalid.
func mediaTypeOf(contentType string) string {
	if contentType == formMediaType || contentType == jsonMediaType {
		return contentType // as most clients write it
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return mediaType
}

// first is the first value of a header whose name is spelled as net/http spells
// it, which Get would make sure of every time.
func first(header http.Header, name string) string {
	if values := header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func readTimeout(header http.Header) (time.Duration, error) {
	given := first(header, TimeoutHeader)
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
func (g *Gateway) readBody(w http.ResponseWriter, r *http.Request, memory *buffers) error {
	limit := g.config.Limits.BodyBytes
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // The body is not read to its end.
		return bodyTooLarge(limit)
	}
	// Where deadlines are not supported the server has its own protection.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(g.config.Timeouts.Body))
	var err error
	if memory.text, err = readWithin(limit, r, memory.text[:0]); err != nil {
		w.Header().Set("Connection", "close")
		return g.bodyError(r, err)
	}
	// From here on a read only watches for the client's leaving.
	_ = control.SetReadDeadline(time.Time{})
	return nil
}

// readWithin appends the body to dst. The error is a [*http.MaxBytesError] when
// the body is larger than the limit.
func readWithin(limit int64, r *http.Request, dst []byte) ([]byte, error) {
	// What the client claims is no reason to set much memory aside. One byte
	// more tells that there is no more.
	dst = slices.Grow(dst, int(min(max(r.ContentLength, bytes.MinRead), 64<<10))+1)
	for {
		n, err := r.Body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case int64(len(dst)) > limit:
			return dst, &http.MaxBytesError{Limit: limit}
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		case len(dst) == cap(dst):
			dst = slices.Grow(dst, len(dst)) // twice as much
		}
	}
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

func missing(name string) error {
	return invalidParameter(codes.InvalidArgument, ReasonMissingParameter, name, "parameter "+name+" is missing")
}

func duplicate(name string) error {
	return invalidParameter(codes.InvalidArgument, ReasonDuplicateParameter, name, "parameter "+name+" is given more than once")
}

// encodeRequest turns the request's JSON into the message that travels.
func encodeRequest(to *route, call *callRequest, memory *buffers) (err error) {
	memory.payload, err = to.request.AppendWire(memory.payload[:0], call.bizContent)
	if err != nil {
		return invalidParameter(codes.InvalidArgument, ReasonInvalidBizContent, paramBizContent,
			"bizContent is not a "+string(to.request.Descriptor().FullName())+": "+err.Error())
	}
	return nil
}
