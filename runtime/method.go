package runtime

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/wire"
)

// SupportPackageIsVersion1 is referenced by generated code. A build that fails
// because it is missing has generated code and an mqrpc module that do not
// match: regenerate the code, or upgrade the module.
const SupportPackageIsVersion1 = true

// Service describes one service of a contract: where it is served and what its
// methods are. Generated code holds one for each service; it is the gateway's
// routing table and the worker's list of methods.
//
// A Service is immutable once made and safe for concurrent use.
type Service struct {
	// Module and Version name the API that the service belongs to.
	Module, Version string
	// Name is the service's short name, for example "WxappManager".
	Name string
	// FullName is the service's protobuf name, for example "wxapp.v1.WxappManager".
	FullName protoreflect.FullName
	// Methods holds the service's methods in the order of the contract.
	Methods []*Method
}

// Method describes one method of a [Service].
//
// A Method is safe for concurrent use, and its fields do not change once it is
// made. Clients keep in it how long its calls take.
type Method struct {
	// Module and Version name the API that the method belongs to.
	Module, Version string
	// Name addresses the method inside its API, for example
	// "WxappManager.SessionKey".
	Name string
	// Timeout is the longest that a caller waits for the reply. Zero: the
	// caller's default.
	Timeout time.Duration
	// Idempotency says whether a call may run more than once.
	Idempotency Idempotency
	// Request and Response are empty messages of the method's types, for their
	// descriptors. They are nil where only the method's name is known.
	Request, Response proto.Message

	pace batch.Pace
}

// Queue is the name of the worker queue that serves the method.
func (m *Method) Queue() string { return wire.WorkerQueue(m.Module, m.Version) }

// String is the method's address for people: "wxapp/1.0/WxappManager.SessionKey".
func (m *Method) String() string { return m.Module + "/" + m.Version + "/" + m.Name }

// Idempotency says whether a call of a method may run more than once. It
// follows protobuf's option idempotency_level.
type Idempotency int

// The levels of idempotency.
const (
	// IdempotencyUnknown is the default: a call runs at most once. When its
	// worker dies the caller learns that it may have run.
	IdempotencyUnknown Idempotency = iota
	// NoSideEffects methods only read. They may be repeated.
	NoSideEffects
	// Idempotent methods have the same effect once and many times. They may be
	// repeated.
	Idempotent
)

// Repeatable reports whether a call may run again when nobody knows whether it
// has run.
func (i Idempotency) Repeatable() bool { return i == NoSideEffects || i == Idempotent }

// String is the level's name as it stands in a .proto file.
func (i Idempotency) String() string {
	switch i {
	case NoSideEffects:
		return "NO_SIDE_EFFECTS"
	case Idempotent:
		return "IDEMPOTENT"
	default:
		return "IDEMPOTENCY_UNKNOWN"
	}
}
