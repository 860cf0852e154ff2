package gateways

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/bench/document"
	"github.com/mqrpc/mqrpc/bench/load"
)

// loader loads one gateway.
type loader struct {
	peer    peer
	address string
}

// startTimeout bounds the time until a gateway gives its first good answer.
const startTimeout = 15 * time.Second

// awaitGateway waits until a gateway that may still be starting answers.
func (l loader) awaitGateway(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	var last error
	for {
		err := l.ask(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() == nil:
			last = err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return fmt.Errorf("the gateway does not answer as it should within %v: %w", startTimeout, last)
		}
	}
}

// ask makes one call.
func (l loader) ask(ctx context.Context) error {
	text, check, err := documentOf(document.Smallest)
	if err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	c, err := connect(ctx, l.address, deadline, l.peer.request(l.address, text), check)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.exchange()
}

// documentOf is a document of that size, as JSON, and the check of its answer:
// but for white space it is the same JSON.
func documentOf(size int) (text []byte, check func(answer []byte) error, err error) {
	_, text, err = document.Of(size)
	if err != nil {
		return nil, nil, err
	}
	return text, func(answer []byte) error {
		var compact bytes.Buffer
		if err := json.Compact(&compact, answer); err != nil {
			return err
		}
		if !bytes.Equal(compact.Bytes(), text) {
			return errors.New("it is not the document that was sent")
		}
		return nil
	}, nil
}

// round loads the gateway once, over a connection for each caller.
func (l loader) round(ctx context.Context, round load.Round) (load.Result, error) {
	text, check, err := documentOf(round.Payload)
	if err != nil {
		return load.Result{}, err
	}
	request := l.peer.request(l.address, text)
	deadline := time.Now().Add(round.Limit())
	var connections []*connection
	defer func() {
		for _, c := range connections {
			c.Close()
		}
	}()
	for range round.Callers {
		c, err := connect(ctx, l.address, deadline, request, check)
		if err != nil {
			return load.Result{}, err
		}
		connections = append(connections, c)
	}
	return round.Run(ctx, func(_ context.Context, caller int) error {
		return connections[caller].exchange()
	})
}
