package httpload

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// response is what is looked at.
type response struct {
	status int
	body   []byte // for a chunked response a copy
}

var (
	headerEnd     = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
	chunked       = []byte("\r\nTransfer-Encoding: chunked")
)

// cut finds the response that input begins with and returns the number of its
// bytes, 0 when it has not arrived as a whole. A server that says neither its
// length nor "chunked", or spells headers unlike net/http, is refused.
func (r *response) cut(input []byte) (length int, err error) {
	end := bytes.Index(input, headerEnd)
	if end < 0 {
		return 0, nil
	}
	header, rest := input[:end+2], input[end+len(headerEnd):]
	if r.status, err = parseStatus(header); err != nil {
		return 0, err
	}
	if _, digits, there := bytes.Cut(header, contentLength); there {
		size, err := strconv.Atoi(string(digits[:bytes.IndexByte(digits, '\r')]))
		if err != nil || size < 0 {
			return 0, fmt.Errorf("the Content-Length is invalid: %q", header)
		}
		if len(rest) < size {
			return 0, nil
		}
		r.body = rest[:size]
		return end + len(headerEnd) + size, nil
	}
	if !bytes.Contains(header, chunked) {
		return 0, fmt.Errorf("the response does not say its length: %q", header)
	}
	body, n, err := cutChunks(rest)
	if n == 0 || err != nil {
		return 0, err
	}
	r.body = body
	return end + len(headerEnd) + n, nil
}

func parseStatus(header []byte) (int, error) {
	if len(header) < len("HTTP/1.1 200") || !bytes.HasPrefix(header, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("not a response of HTTP/1.1: %q", header)
	}
	return strconv.Atoi(string(header[9:12]))
}

// cutChunks joins the chunks that input begins with, up to the last one.
func cutChunks(input []byte) (body []byte, n int, err error) {
	for {
		line := bytes.IndexByte(input[n:], '\n')
		if line < 1 {
			return nil, 0, nil
		}
		size, err := strconv.ParseUint(string(bytes.TrimSuffix(input[n:n+line], []byte("\r"))), 16, 31)
		if err != nil {
			return nil, 0, fmt.Errorf("a chunk's size: %w", err)
		}
		begin := n + line + 1
		n = begin + int(size) + len("\r\n")
		if len(input) < n {
			return nil, 0, nil
		}
		if !bytes.HasPrefix(input[n-2:], []byte("\r\n")) {
			return nil, 0, errors.New("a chunk is longer than it says, or has trailers")
		}
		if size == 0 {
			return body, n, nil
		}
		body = append(body, input[begin:begin+int(size)]...)
	}
}
