package testbroker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mqrpc/mqrpc/internal/servicescript"
)

// node is a private RabbitMQ. Its methods say what went wrong; [Broker] turns
// that into failed tests.
type node struct {
	dir          string
	url, tlsURL  string
	mu           sync.Mutex
	probe        *alarmProbe // while the node is blocked
	startOptions []string
}

// launchNode makes a new node and starts it.
func launchNode(opts Options) (*node, error) {
	dir, err := servicescript.NewDir("broker")
	if err != nil {
		return nil, err
	}
	n := &node{dir: dir}
	if opts.TLS != nil {
		n.startOptions = append(n.startOptions, "--tls", opts.TLS.Dir)
	}
	if opts.Config != "" {
		conf := filepath.Join(dir, "options.conf")
		if err := os.WriteFile(conf, []byte(opts.Config+"\n"), 0o600); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		n.startOptions = append(n.startOptions, "--conf", conf)
	}
	if err := n.start(); err != nil {
		return nil, errors.Join(err, n.remove())
	}
	return n, nil
}

// start starts the node, for the first time or again, and returns when it
// accepts connections. A node that runs is left alone.
func (n *node) start() error {
	out, err := servicescript.Node(append([]string{"start", n.dir}, n.startOptions...)...)
	if err != nil {
		return err
	}
	for url := range strings.FieldsSeq(out) {
		if strings.HasPrefix(url, "amqps:") {
			n.tlsURL = url
		} else {
			n.url = url
		}
	}
	if n.url == "" {
		return fmt.Errorf("scripts/services node start printed no URL but %q", out)
	}
	return nil
}

// end stops the node by one of the script's actions.
func (n *node) end(action string) error {
	_, err := servicescript.Node(action, n.dir)
	n.dropProbe()
	return err
}

func (n *node) remove() error {
	return n.end("remove")
}
