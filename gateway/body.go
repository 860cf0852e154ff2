package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// budget bounds the bytes that all requests under way hold.
type budget struct {
	limit int64
	taken atomic.Int64
}

// take takes bytes, unless that would be more than there are.
func (b *budget) take(size int64) bool {
	if b.taken.Add(size) > b.limit {
		b.taken.Add(-size)
		return false
	}
	return true
}

// add takes bytes that are there already: those who ask later find fewer.
func (b *budget) add(size int64) { b.taken.Add(size) }

func (b *budget) give(size int64) { b.taken.Add(-size) }

// hold counts bytes of a response until the request is released.
func (r *Request) hold(size int) {
	r.gateway.bytes.add(int64(size))
	r.bytes += int64(size)
}

// ReadBody reads the body of the HTTP request that the request came in, within
// the limits on its size, its time and the memory of all requests. The context
// is that of the call: the body has no longer than the caller waits. The body is
// valid until [Request.Release].
func (r *Request) ReadBody(ctx context.Context, w http.ResponseWriter, from *http.Request) ([]byte, error) {
	config := &r.gateway.config
	if from.ContentLength > config.Limits.BodyBytes {
		w.Header().Set("Connection", "close") // The body is not read to its end.
		return nil, bodyTooLarge(config.Limits.BodyBytes)
	}
	deadline := time.Now().Add(config.Timeouts.Body)
	callers, has := ctx.Deadline()
	impatient := has && callers.Before(deadline)
	if impatient {
		deadline = callers
	}
	// Where deadlines are not supported the server has its own protection.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(deadline)
	// What the client claims is no reason to set much memory aside.
	r.memory.body.Grow(int(min(max(from.ContentLength, 0), 64<<10)) + bytes.MinRead)
	_, err := r.memory.body.ReadFrom(http.MaxBytesReader(w, bodyReader{from.Body, r}, config.Limits.BodyBytes))
	r.Arrived = time.Now()
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, r.bodyError(from, err, impatient)
	}
	// From here on a read only watches for the client's leaving.
	_ = control.SetReadDeadline(time.Time{})
	return r.memory.body.Bytes(), nil
}

// bodyReader takes what is read from the gateway's budget.
type bodyReader struct {
	io.ReadCloser

	request *Request
}

var errTooManyBytes error = TooMuch(ReasonTooManyBytes, "the requests in flight in this gateway hold too much memory")

// Read reads a part of the body.
func (b bodyReader) Read(part []byte) (int, error) {
	n, err := b.ReadCloser.Read(part)
	if !b.request.gateway.bytes.take(int64(n)) {
		return 0, errTooManyBytes
	}
	b.request.bytes += int64(n)
	return n, err
}

// bodyError says why a body could not be read. An impatient caller is one who
// waits for less time than a body may take.
func (r *Request) bodyError(from *http.Request, err error, impatient bool) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return bodyTooLarge(tooLarge.Limit)
	case errors.Is(err, errTooManyBytes):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded) && impatient:
		return runtime.NewError(codes.DeadlineExceeded, "the body did not arrive within the caller's time")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return NewHTTPError(http.StatusRequestTimeout, ReasonBodyTimeout,
			"the body did not arrive within "+r.gateway.config.Timeouts.Body.String())
	case errors.Is(err, io.ErrUnexpectedEOF), from.Context().Err() == nil:
		return withhold(NewError(codes.InvalidArgument, ReasonMalformedBody, "the body could not be read: it ends early, or is not sent as its headers say"), err)
	default:
		return withhold(runtime.NewError(codes.Canceled, "the caller has gone"), err)
	}
}

func bodyTooLarge(limit int64) error {
	return NewHTTPError(http.StatusRequestEntityTooLarge, ReasonBodyTooLarge,
		"the body is larger than "+strconv.FormatInt(limit, 10)+" bytes")
}
