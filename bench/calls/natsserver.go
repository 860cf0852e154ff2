package calls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/process"
)

// natsTimeout is from nats-server's start to its listening.
const natsTimeout = 10 * time.Second

// startNATS starts a nats-server at its defaults, on a free port of this
// machine, and returns its URL. The server writes where it listens to a file.
func (b Brokers) startNATS(ctx context.Context, rig *contest.Rig) (url string, err error) {
	if b.NATSServer == "" {
		return "", errors.New("no nats-server: name it by -nats-server")
	}
	dir, err := os.MkdirTemp("", "bench-nats")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	server, err := process.Start(b.NATSServer, "--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", dir, "--log", filepath.Join(dir, "log"))
	if err != nil {
		return "", err
	}
	rig.Adopt(contest.Broker, server)
	ctx, cancel := context.WithTimeout(ctx, natsTimeout)
	defer cancel()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		if url, err = readPorts(dir); url != "" || err != nil {
			return url, err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return "", fmt.Errorf("nats-server did not start: %w", context.Cause(ctx))
		}
	}
}

// readPorts is the URL in the file that nats-server writes into a directory,
// empty until it is there whole.
func readPorts(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.ports"))
	if err != nil || len(files) == 0 {
		return "", err
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return "", err
	}
	var ports struct {
		URLs []string `json:"nats"`
	}
	if !json.Valid(text) {
		return "", nil // it is being written
	}
	if err := json.Unmarshal(text, &ports); err != nil || len(ports.URLs) == 0 {
		return "", fmt.Errorf("nats-server says that it listens on %q: %w", text, err)
	}
	return ports.URLs[0], nil
}
