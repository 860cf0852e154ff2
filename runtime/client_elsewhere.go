package runtime

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// While an API is upgraded, an older instance may take a call that only a newer
// one can run. It answers UNIMPLEMENTED without having run it. The client then
// asks whether an instance has the method, and if so sends the call again until
// it meets that one.

// isElsewhere reports whether a call failed because the instance that took it
// does not have the method.
func isElsewhere(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Remote() && failure.unrun && failure.Code() == codes.Unimplemented
}

// tryElsewhere sends a call again, with backoff, as long as an instance claims
// its method. When nobody does, or the call's time is over, the caller gets what
// the instance said that does not have it.
func (c *Client) tryElsewhere(ctx context.Context, call *Call, deadline time.Time, unimplemented error) (*Reply, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	asked := question{call.Method.Module, call.Method.Version, call.Method.Name}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 5*time.Millisecond, 250*time.Millisecond
	for c.questions.ask(ctx, asked, c.discover) {
		reply, err := c.attempt(ctx, call, deadline)
		if !isElsewhere(err) {
			return reply, err
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return nil, unimplemented
		}
	}
	return nil, unimplemented
}

// discover asks the instances of an API for claims of a method.
func (c *Client) discover(about question) {
	body, err := proto.Marshal(&mqrpcv1.Discover{Method: about.method})
	if err != nil {
		return // the name was checked
	}
	c.transport.Publish(transport.Publishing{
		Exchange:   wire.ControlExchange,
		RoutingKey: wire.AllInstancesKey(about.module, about.version),
		Type:       wire.TypeDiscover,
		ReplyTo:    c.name,
		Body:       body,
		Deadline:   time.Now().Add(answerWait),
	}, func(error) {})
}

const (
	// answerWait is how long a claim is waited for.
	answerWait = 500 * time.Millisecond
	// answerHolds is how long an answer, or that none came, holds for all callers.
	answerHolds = time.Second
	// maxQuestions bounds the questions that are remembered.
	maxQuestions = 1024
)

// question is whether an instance of (module, version) has the method.
type question struct{ module, version, method string }

// questions are asked once for all callers who wait for the answer. The zero
// value is ready.
type questions struct {
	mu    sync.Mutex
	asked map[question]*asked
}

type asked struct {
	at       time.Time
	claimed  chan struct{} // closed by the first claim
	answered bool          // likewise
}

// ask returns the answer to a question: that to the last one while it holds, else
// to a new one, which discover sends. No answer is a no, and so is the context's
// end.
func (q *questions) ask(ctx context.Context, about question, discover func(question)) bool {
	current, isNew := q.current(about)
	if isNew {
		discover(about)
	}
	timer := time.NewTimer(time.Until(current.at.Add(answerWait)))
	defer timer.Stop()
	select {
	case <-current.claimed:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	select {
	case <-current.claimed: // long ago
		return true
	default:
		return false
	}
}

// current returns the question that is asked now, or was asked lately.
func (q *questions) current(about question) (_ *asked, isNew bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if found := q.asked[about]; found != nil && time.Since(found.at) < answerWait+answerHolds {
		return found, false
	}
	if q.asked == nil || len(q.asked) >= maxQuestions {
		q.asked = map[question]*asked{} // those who wait keep theirs, and get no claim
	}
	started := &asked{at: time.Now(), claimed: make(chan struct{})}
	q.asked[about] = started
	return started, true
}

// answer tells those who asked that an instance claims the method.
func (q *questions) answer(about question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if found := q.asked[about]; found != nil && !found.answered {
		found.answered = true
		close(found.claimed)
	}
}
