package wire

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/mqrpc/mqrpc/contract"
)

// Limits on what is sent and decoded, from PROTOCOL.md sections 3, 3.1, 3.2 and 9.
const (
	MaxMessageBytes    = 64 << 20
	MaxBatch           = 1024
	MaxMetadataEntries = 64
	MaxMetadataBytes   = 16 << 10
	MaxMetadataKey     = 255
	MaxStatusBytes     = 64 << 10
)

// ErrMalformed is wrapped by every error of the decoders.
var ErrMalformed = errors.New("malformed message")

// Call is a mqrpc.v1.Call.
type Call struct {
	ID       uint64
	Method   string
	Payload  []byte
	Timeout  time.Duration // rounded up to microseconds on the wire; zero: not said
	Metadata map[string]string
}

// ReceivedCall is a [Call] as it has arrived. It shares the memory of the message
// that it came in.
type ReceivedCall struct {
	ID      uint64
	Method  string
	Payload []byte
	Timeout time.Duration // zero: not said

	encoded []byte // the whole call if it has metadata, which is known to be valid
}

// Metadata decodes the call's metadata, which few handlers look at. It returns
// nil if there is none, and a new map each time.
func (c *ReceivedCall) Metadata() map[string]string {
	var metadata map[string]string
	var reader metadataReader
	for f := (fieldReader{rest: c.encoded}); f.next(); {
		if f.is(callMetadata, protowire.BytesType) {
			metadata, _ = reader.addTo(metadata, f.bytes) // it has been read before
		}
	}
	return metadata
}

// Reply is a mqrpc.v1.Reply.
type Reply struct {
	ID       uint64
	Payload  []byte
	Status   []byte // an encoded google.rpc.Status, not nil; nil for success
	Metadata map[string]string
	Waited   time.Duration
	Handled  time.Duration
}

// The field numbers of wire.proto.
const (
	batchCalls = 1

	callID       = 1
	callMethod   = 2
	callPayload  = 3
	callTimeout  = 4
	callMetadata = 5

	batchInstance = 1
	batchReplies  = 2
	batchFree     = 3

	replyID       = 1
	replyPayload  = 2
	replyStatus   = 3
	replyMetadata = 4
	replyWaited   = 5
	replyHandled  = 6

	entryKey   = 1
	entryValue = 2
)

// AppendCall appends a call to the body of a CallBatch.
func AppendCall(body []byte, call *Call) []byte {
	body = protowire.AppendTag(body, batchCalls, protowire.BytesType)
	body = protowire.AppendVarint(body, uint64(call.size())) //nolint:gosec // sizes are not negative
	body = appendID(body, callID, call.ID)
	body = appendString(body, callMethod, call.Method)
	body = appendBytes(body, callPayload, call.Payload)
	body = appendMicros(body, callTimeout, call.Timeout)
	return appendMetadata(body, callMetadata, call.Metadata)
}

// CallSize is the greatest number of bytes that AppendCall adds.
func CallSize(call *Call) int { return entryOverhead + call.size() }

// Sender is what a ReplyBatch says of the instance that sends it.
type Sender struct {
	Instance string
	// Free is how many more calls of the API it could run at once; negative: it
	// does not say.
	Free int
}

// AppendSender begins or ends the body of a ReplyBatch.
func AppendSender(body []byte, sender Sender) []byte {
	body = appendString(body, batchInstance, sender.Instance)
	if sender.Free >= 0 {
		body = protowire.AppendTag(body, batchFree, protowire.VarintType)
		body = protowire.AppendVarint(body, uint64(min(sender.Free, math.MaxUint32)))
	}
	return body
}

// AppendReply appends a reply to the body of a ReplyBatch.
func AppendReply(body []byte, reply *Reply) []byte {
	body = protowire.AppendTag(body, batchReplies, protowire.BytesType)
	body = protowire.AppendVarint(body, uint64(reply.size())) //nolint:gosec // sizes are not negative
	body = appendID(body, replyID, reply.ID)
	body = appendBytes(body, replyPayload, reply.Payload)
	if reply.Status != nil {
		body = protowire.AppendTag(body, replyStatus, protowire.BytesType)
		body = protowire.AppendBytes(body, reply.Status)
	}
	body = appendMetadata(body, replyMetadata, reply.Metadata)
	body = appendMicros(body, replyWaited, reply.Waited)
	return appendMicros(body, replyHandled, reply.Handled)
}

// ReplySize is the greatest number of bytes that AppendReply adds.
func ReplySize(reply *Reply) int { return entryOverhead + reply.size() }

// entryOverhead bounds the tag and the length before an entry of a batch.
const entryOverhead = 1 + 10

func (c *Call) size() int {
	return idSize + sizeBytes(len(c.Method)) + sizeBytes(len(c.Payload)) +
		sizeMicros(c.Timeout) + sizeMetadata(c.Metadata)
}

func (r *Reply) size() int {
	size := idSize + sizeBytes(len(r.Payload)) + sizeMetadata(r.Metadata) +
		sizeMicros(r.Waited) + sizeMicros(r.Handled)
	if r.Status != nil {
		size += 1 + protowire.SizeBytes(len(r.Status))
	}
	return size
}

// DecodeCalls decodes the body of a request message. Payloads share the body's
// memory. It fails on anything that PROTOCOL.md calls undecodable, with an
// error that wraps [ErrMalformed].
func DecodeCalls(body []byte) ([]Call, error) {
	received, err := ReceiveCalls(body, "")
	if err != nil {
		return nil, err
	}
	calls := make([]Call, len(received))
	for i := range received {
		c := &received[i]
		calls[i] = Call{ID: c.ID, Method: c.Method, Payload: c.Payload, Timeout: c.Timeout, Metadata: c.Metadata()}
	}
	return calls, nil
}

// ReceiveCalls does as [DecodeCalls], and checks metadata without decoding it. A
// method that is the likely one, which must be valid or empty, shares its memory.
func ReceiveCalls(body []byte, likely string) ([]ReceivedCall, error) {
	if len(body) > MaxMessageBytes {
		return nil, tooLarge(body)
	}
	calls, err := receiveCalls(body, likely)
	if err == nil && len(calls) == 0 {
		err = errors.New("no calls")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return calls, nil
}

func receiveCalls(body []byte, likely string) ([]ReceivedCall, error) {
	calls := make([]ReceivedCall, 0, count(body, batchCalls, MaxBatch))
	batch := fieldReader{rest: body}
	for batch.next() {
		if !batch.is(batchCalls, protowire.BytesType) {
			continue
		}
		if len(calls) == MaxBatch {
			return nil, fmt.Errorf("more than %d calls", MaxBatch)
		}
		calls = append(calls, ReceivedCall{Method: likely})
		call := &calls[len(calls)-1]
		if err := call.decode(batch.bytes); err != nil {
			return nil, fmt.Errorf("call %d: %w", len(calls)-1, err)
		}
		likely = call.Method // most batches have one method
	}
	return calls, batch.err
}

// DecodeReplies decodes the body of a reply message: who sent it, and its
// replies, whose payloads share the body's memory. It fails on anything that
// PROTOCOL.md calls undecodable, with an error that wraps [ErrMalformed].
func DecodeReplies(body []byte) (sender Sender, replies []Reply, err error) {
	return AppendDecodedReplies(nil, body, "")
}

// AppendDecodedReplies does as [DecodeReplies], and appends the replies to others.
// When it fails it returns those alone. An instance that is the likely one, which
// must be valid or empty, shares its memory.
func AppendDecodedReplies(before []Reply, body []byte, likely string) (sender Sender, replies []Reply, err error) {
	if len(body) > MaxMessageBytes {
		return Sender{}, before, tooLarge(body)
	}
	sender, replies, err = appendDecodedReplies(before, body, likely)
	if err == nil && len(replies) == len(before) {
		err = errors.New("no replies")
	}
	if err != nil {
		return Sender{}, before, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return sender, replies, nil
}

func appendDecodedReplies(before []Reply, body []byte, likely string) (sender Sender, replies []Reply, err error) {
	sender.Free = -1
	if replies = before; cap(before) == 0 {
		replies = make([]Reply, 0, count(body, batchReplies, MaxBatch))
	}
	batch := fieldReader{rest: body}
	for batch.next() {
		switch {
		case batch.is(batchInstance, protowire.BytesType):
			if sender.Instance = likely; string(batch.bytes) != likely {
				sender.Instance = string(batch.bytes[:min(len(batch.bytes), MaxWordBytes+1)])
			}
		case batch.is(batchFree, protowire.VarintType):
			sender.Free = int(uint32(batch.scalar)) //nolint:gosec // as protobuf reads a uint32
		case batch.is(batchReplies, protowire.BytesType):
			n := len(replies) - len(before)
			if n == MaxBatch {
				return Sender{}, nil, fmt.Errorf("more than %d replies", MaxBatch)
			}
			replies = append(replies, Reply{})
			if err := replies[len(replies)-1].decode(batch.bytes); err != nil {
				return Sender{}, nil, fmt.Errorf("reply %d: %w", n, err)
			}
		}
	}
	if batch.err == nil && (sender.Instance == "" || sender.Instance != likely) { // else it was checked before
		if err := CheckWord(sender.Instance); err != nil {
			return Sender{}, nil, fmt.Errorf("the instance: %w", err)
		}
	}
	return sender, replies, batch.err
}

func tooLarge(body []byte) error {
	return fmt.Errorf("%w: %d bytes, more than %d", ErrMalformed, len(body), MaxMessageBytes)
}

// decode decodes one call. A method that the call has before, and that is its
// own as well, keeps its memory.
func (c *ReceivedCall) decode(body []byte) error {
	likely := c.Method
	c.Method = ""
	var metadata metadataReader
	f := fieldReader{rest: body}
	for f.next() {
		var err error
		switch {
		case f.is(callID, protowire.Fixed64Type):
			c.ID = f.scalar
		case f.is(callMethod, protowire.BytesType):
			if string(f.bytes) == likely {
				c.Method = likely
			} else {
				err = setString(&c.Method, f.bytes, "method")
			}
		case f.is(callPayload, protowire.BytesType):
			c.Payload = f.bytes
		case f.is(callTimeout, protowire.VarintType):
			c.Timeout = fromMicros(f.scalar)
		case f.is(callMetadata, protowire.BytesType):
			_, _, err = metadata.read(f.bytes)
			c.encoded = body
		}
		if err != nil {
			return err
		}
	}
	switch {
	case f.err != nil:
		return f.err
	case c.ID == 0:
		return errors.New("the id is 0")
	case c.Method == likely && likely != "":
		return nil // it was checked before
	}
	return contract.CheckMethod(c.Method)
}

func (r *Reply) decode(body []byte) error {
	var metadata metadataReader
	f := fieldReader{rest: body}
	for f.next() {
		var err error
		switch {
		case f.is(replyID, protowire.Fixed64Type):
			r.ID = f.scalar
		case f.is(replyPayload, protowire.BytesType):
			r.Payload = f.bytes
		case f.is(replyStatus, protowire.BytesType):
			r.Status = f.bytes
		case f.is(replyMetadata, protowire.BytesType):
			r.Metadata, err = metadata.addTo(r.Metadata, f.bytes)
		case f.is(replyWaited, protowire.VarintType):
			r.Waited = fromMicros(f.scalar)
		case f.is(replyHandled, protowire.VarintType):
			r.Handled = fromMicros(f.scalar)
		}
		if err != nil {
			return err
		}
	}
	if f.err == nil && r.ID == 0 {
		return errors.New("the id is 0")
	}
	return f.err
}

func setString(target *string, value []byte, what string) error {
	if !utf8.Valid(value) {
		return fmt.Errorf("the %s is not UTF-8", what)
	}
	*target = string(value)
	return nil
}
