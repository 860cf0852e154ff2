package runtime

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// control is what clients tell a worker over its instance queue: that callers
// have left, whether a contract is admitted, questions for claims, and calls of
// built-in methods that are for this instance alone.
type control struct {
	worker *Worker
	byKey  map[string]*servedAPI // by the part of a routing key that names the API
	// questions bounds the claims that strangers make the worker send.
	questions *rate.Limiter
}

const (
	// controlQueueLength bounds what waits in an instance queue.
	controlQueueLength = 10_000
	// controlPrefetch bounds what is delivered of it in advance.
	controlPrefetch = 64
	// answersPerSecond bounds the questions that are answered.
	answersPerSecond = 100
	// answerSpread is the time over which the instances of all APIs spread their
	// answers to one question.
	answerSpread = 500 * time.Millisecond
)

func newControl(w *Worker) *control {
	c := &control{worker: w, byKey: map[string]*servedAPI{}, questions: rate.NewLimiter(answersPerSecond, answersPerSecond)}
	for _, api := range w.apis {
		c.byKey[wire.APIKey(api.key.Module, api.key.Version)] = api
	}
	return c
}

// consume consumes the instance queue until ctx ends. A broker that refuses it is
// asked again and again: calls are served meanwhile.
func (c *control) consume(ctx context.Context, consuming chan<- struct{}) {
	consumer, err := transport.ConsumePersistently(ctx, c.worker.transport, c.queue(), c.receive, func(err error) {
		c.worker.complaints.do(func(more int) {
			c.worker.log.Warn("the worker cannot hear what clients tell it, such as that callers have left; it serves calls and tries again",
				slog.Any("error", err), slog.Int("alike", more))
		})
	})
	if err != nil {
		return
	}
	close(consuming)
	<-ctx.Done()
	stopHearing(consumer)
}

// stopHearing ends the delivery of messages. The queue goes with the connection.
func stopHearing(consumer transport.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), answerSpread)
	defer cancel()
	_ = consumer.Stop(ctx) // it fails when the broker is away, and then there is nothing to hear
}

func (c *control) queue() transport.Queue {
	bindings := []transport.Binding{{Exchange: wire.ControlExchange, Key: wire.DiscoverAllKey}}
	for _, api := range c.byKey {
		bindings = append(bindings,
			transport.Binding{Exchange: wire.ControlExchange, Key: wire.ControlKey(api.key.Module, api.key.Version, c.worker.instance)},
			transport.Binding{Exchange: wire.ControlExchange, Key: wire.AllInstancesKey(api.key.Module, api.key.Version)})
	}
	return transport.Queue{
		Name:      wire.InstanceQueue(c.worker.instance),
		Bindings:  bindings,
		Exclusive: true,
		MaxLength: controlQueueLength,
		Prefetch:  controlPrefetch,
	}
}

// receive takes one message of the instance queue.
func (c *control) receive(delivery *transport.Delivery) {
	api := c.byKey[apiOfControlKey(delivery.RoutingKey)]
	if delivery.Type == wire.TypeCall && api != nil {
		api.receiveBuiltin(delivery) // which acknowledges it
		return
	}
	defer delivery.Settle.Ack()
	if err := c.obey(delivery, api); err != nil {
		c.worker.counters.malformed.Add(1)
		c.worker.complaints.do(func(more int) {
			c.worker.log.Warn("a message to this instance was dropped",
				slog.Any("error", err), slog.String("type", delivery.Type), slog.Int("alike", more))
		})
	}
}

// apiOfControlKey is the first two words of a routing key, which name the API.
func apiOfControlKey(routingKey string) string {
	last := strings.LastIndexByte(routingKey, '.')
	return routingKey[:max(last, 0)]
}

// obey does what a message says. api is nil if the message is for all.
func (c *control) obey(delivery *transport.Delivery, api *servedAPI) error {
	switch {
	case delivery.Type == wire.TypeDiscover:
		return c.discover(delivery, api)
	case api == nil:
		return errors.New("its routing key names none of the worker's APIs")
	case delivery.Type == wire.TypeCancel:
		named, err := wire.DecodeCancel(delivery.Body)
		if err == nil {
			api.cancelled.cancel(named, api.open)
		}
		return err
	case delivery.Type == wire.TypeAdmission:
		if !c.worker.trusts(delivery.UserID) {
			return errors.New("it does not come from an account that the worker takes for a gateway's: see WorkerConfig.Gateways")
		}
		admission, err := wire.DecodeAdmission(delivery.Body)
		if err == nil && admission.GetRevision() == api.description.revision() {
			api.admit(admission)
		}
		return err
	}
	return nil // of a later protocol
}

// discover answers with claims.
func (c *control) discover(delivery *transport.Delivery, asked *servedAPI) error {
	question, err := wire.DecodeDiscover(delivery.Body)
	if err != nil {
		return err
	}
	if err := wire.CheckWord(delivery.ReplyTo); err != nil {
		return err
	}
	if !c.questions.Allow() {
		return errors.New("too many questions")
	}
	if asked != nil {
		c.answer(delivery.ReplyTo, asked, question.GetMethod())
		return nil
	}
	client, method := delivery.ReplyTo, question.GetMethod()
	time.AfterFunc(rand.N(answerSpread), func() { //nolint:gosec // it spreads load, it guards nothing
		for _, api := range c.byKey {
			c.answer(client, api, method)
		}
	})
	return nil
}

func (c *control) answer(client string, api *servedAPI, method string) {
	if method != "" && (!api.has(method) || api.consuming.isRefused()) {
		return
	}
	c.worker.presence.answer(client, api, method)
}

// has reports whether the worker has a method and, as far as it knows, implements
// it: generated code does not show that before the first call.
func (a *servedAPI) has(method string) bool {
	served := a.methods[method]
	return served != nil && !served.missing.Load()
}

// trusts reports whether an account is believed who calls, and which contract is
// in effect.
func (w *Worker) trusts(user string) bool {
	if user == "" {
		return false
	}
	if len(w.config.Gateways) == 0 {
		return user == w.transport.User()
	}
	return slices.Contains(w.config.Gateways, user)
}
