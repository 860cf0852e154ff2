package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFrame bounds a request. The suite's longest have some hundred kilobytes.
const maxFrame = 64 << 20

// serve answers requests until their end.
func serve(in io.Reader, out io.Writer, tested *testee) error {
	for {
		request, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response, err := tested.respond(request)
		if err != nil {
			return err
		}
		if err := writeFrame(out, response); err != nil {
			return err
		}
	}
}

// readFrame reads one message after its length. The error is io.EOF if there
// are no more.
func readFrame(in io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, fmt.Errorf("reading the length of a request: %w", err)
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size > maxFrame {
		return nil, fmt.Errorf("a request of %d bytes: is that the suite?", size)
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(in, frame); err != nil {
		return nil, fmt.Errorf("reading a request of %d bytes: %w", size, err)
	}
	return frame, nil
}

// writeFrame writes one message after its length, at once.
func writeFrame(out io.Writer, message []byte) error {
	frame := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(message)), uint32(len(message)))
	if _, err := out.Write(append(frame, message...)); err != nil {
		return fmt.Errorf("writing a response: %w", err)
	}
	return nil
}
