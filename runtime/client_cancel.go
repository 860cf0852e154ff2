package runtime

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// cancels gathers the calls whose callers have left, so that a crowd of them is
// told in few messages. The zero value is ready.
type cancels struct {
	mu      sync.Mutex
	waiting map[contract.Key]*cancelled
}

// cancelled are calls to one API that its instances are about to be told of.
type cancelled struct {
	digests  []uint64
	deadline time.Time // the latest
}

// cancelGather is how long cancelled calls gather: short beside the 50 ms within
// which a handler should learn of it.
const cancelGather = 2 * time.Millisecond

// cancel has the caller leave, and tells the API's instances that nobody waits for
// the call any more, if they may have it.
func (c *Client) cancel(call *openCall) {
	if published := call.leave(); !published || time.Until(call.deadline) <= 0 {
		return // nobody has it, or the worker knows by itself
	}
	key := contract.Key{Module: call.method.Module, Version: call.method.Version}
	c.cancels.mu.Lock()
	defer c.cancels.mu.Unlock()
	gathering := c.cancels.waiting[key]
	if gathering == nil {
		gathering = &cancelled{}
		if c.cancels.waiting == nil {
			c.cancels.waiting = map[contract.Key]*cancelled{}
		}
		c.cancels.waiting[key] = gathering
		time.AfterFunc(cancelGather, func() { c.tellCancelled(key, gathering) })
	}
	gathering.digests = append(gathering.digests, wire.Digest(c.name, call.id))
	if call.deadline.After(gathering.deadline) {
		gathering.deadline = call.deadline
	}
	if len(gathering.digests) == wire.MaxDigests {
		delete(c.cancels.waiting, key) // it leaves in time; others gather anew
	}
}

// tellCancelled sends what has gathered. Whether it arrives is not waited for:
// cancelling is a hint.
func (c *Client) tellCancelled(key contract.Key, gathered *cancelled) {
	c.cancels.mu.Lock()
	if c.cancels.waiting[key] == gathered {
		delete(c.cancels.waiting, key)
	}
	c.cancels.mu.Unlock()
	left := max(time.Until(gathered.deadline), time.Microsecond)
	body, err := proto.Marshal(&mqrpcv1.Cancel{Digests: gathered.digests, TimeoutUs: uint64(left.Microseconds())}) //nolint:gosec // positive
	if err != nil {
		return // numbers can be encoded
	}
	c.transport.Publish(transport.Publishing{
		Exchange:   wire.ControlExchange,
		RoutingKey: wire.AllInstancesKey(key.Module, key.Version),
		Type:       wire.TypeCancel,
		Body:       body,
		Deadline:   gathered.deadline,
	}, func(error) {})
}
