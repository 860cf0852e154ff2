package gateways

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"github.com/mqrpc/mqrpc/bench/document"
	"github.com/mqrpc/mqrpc/bench/gateways/httpload"
	"github.com/mqrpc/mqrpc/bench/load"
)

// loader loads one gateway.
type loader struct {
	peer    peer
	address netip.AddrPort
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
	text, check, err := exchange(document.Smallest)
	if err != nil {
		return err
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", l.address.String())
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // it has served
	deadline, _ := ctx.Deadline()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := connection.Write(l.peer.request(l.address.String(), text)); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // likewise
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return check(body)
}

// exchange is a document of that size, as JSON, and the check of its answer:
// but for white space it is the same JSON.
func exchange(size int) (text []byte, check func(answer []byte) error, err error) {
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

// round loads the gateway once.
func (l loader) round(_ context.Context, round load.Round) (result load.Result, err error) {
	text, check, err := exchange(round.Payload)
	if err != nil {
		return load.Result{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	running, err := httpload.Start(httpload.Config{
		Address:     l.address,
		Request:     l.peer.request(l.address.String(), text),
		Connections: round.Callers,
		Check:       check,
	})
	if err != nil {
		return load.Result{}, err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	if _, _, err := running.For(round.Warmup, nil); err != nil {
		return load.Result{}, err
	}
	before, err := load.CPUTimes(round.Processes)
	if err != nil {
		return load.Result{}, err
	}
	var histogram load.Histogram
	answers, took, err := running.For(round.Measure, &histogram)
	if err != nil {
		return load.Result{}, err
	}
	used, err := load.CPUTimes(round.Processes)
	if err != nil {
		return load.Result{}, err
	}
	for role := range used {
		used[role] -= before[role]
	}
	return load.Result{
		Calls:   answers,
		Elapsed: took,
		P50:     histogram.Percentile(0.50),
		P99:     histogram.Percentile(0.99),
		CPU:     used,
	}, running.Finish()
}
