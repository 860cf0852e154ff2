package testbroker

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/internal/servicescript"
)

const (
	// alarmTimeout bounds the wait for an alarm to rise or clear: the broker
	// looks at its memory every other second.
	alarmTimeout = 30 * time.Second

	// noMemory and enoughMemory are values of vm_memory_high_watermark: a
	// broker that may use nothing has an alarm, the other is the default.
	noMemory     = "0"
	enoughMemory = "0.4"
)

// Block raises the broker's memory alarm, so that it reads no more from
// connections that publish, and returns when it really does so. The alarm ends
// with Unblock, with the test, and when the broker is stopped or killed.
func (b *Broker) Block() {
	b.t.Helper()
	b.check(b.node.block())
	b.t.Cleanup(func() {
		if err := b.node.unblock(); err != nil {
			b.t.Error(err)
		}
	})
}

// Unblock clears the alarm that Block raised, and returns when the broker reads
// from publishing connections again. Without an alarm it does nothing.
func (b *Broker) Unblock() {
	b.t.Helper()
	b.check(b.node.unblock())
}

func (n *node) block() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.probe != nil {
		return nil
	}
	probe, err := dialAlarmProbe(n.url)
	if err != nil {
		return err
	}
	if _, err := servicescript.Node("ctl", n.dir, "set_vm_memory_high_watermark", noMemory); err != nil {
		return errors.Join(err, probe.close())
	}
	if err := probe.awaitBlocked(); err != nil {
		return errors.Join(err, probe.close())
	}
	n.probe = probe
	return nil
}

func (n *node) unblock() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.probe == nil {
		return nil
	}
	if _, err := servicescript.Node("ctl", n.dir, "set_vm_memory_high_watermark", enoughMemory); err != nil {
		return err
	}
	err := n.probe.awaitUnblocked()
	closeErr := n.probe.close()
	n.probe = nil
	return errors.Join(err, closeErr)
}

// dropProbe forgets the alarm of a broker that is gone.
func (n *node) dropProbe() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.probe != nil {
		_ = n.probe.close() // an error is what to expect of a dead connection
		n.probe = nil
	}
}

// alarmProbe is a connection that publishes, to see whether the broker blocks
// those that do.
type alarmProbe struct {
	conn    *amqp.Connection
	channel *amqp.Channel
	blocked <-chan amqp.Blocking
}

func dialAlarmProbe(url string) (*alarmProbe, error) {
	conn, err := amqp.Dial(url)
	if err != nil {
		return nil, fmt.Errorf("watch for the broker's alarm: %w", err)
	}
	channel, err := conn.Channel()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// One notice per change, and there are two: blocked, unblocked.
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 2))
	return &alarmProbe{conn: conn, channel: channel, blocked: blocked}, nil
}

// awaitBlocked publishes messages that no queue gets until the broker says that
// it blocks the connection: it says so only to those that publish.
func (p *alarmProbe) awaitBlocked() error {
	timeout := time.After(alarmTimeout)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.channel.PublishWithContext(context.Background(),
			"", "mqrpc.testbroker.no-such-queue", false, false, amqp.Publishing{})
		if err != nil {
			return fmt.Errorf("watch for the broker's alarm: %w", err)
		}
		select {
		case notice, open := <-p.blocked:
			if open && notice.Active {
				return nil
			}
			return errors.New("the connection ended before the broker blocked it")
		case <-tick.C:
		case <-timeout:
			return fmt.Errorf("the broker did not block publishers within %v", alarmTimeout)
		}
	}
}

func (p *alarmProbe) awaitUnblocked() error {
	select {
	case notice, open := <-p.blocked:
		if open && !notice.Active {
			return nil
		}
		return errors.New("the connection ended before the broker unblocked it")
	case <-time.After(alarmTimeout):
		return fmt.Errorf("the broker did not unblock publishers within %v", alarmTimeout)
	}
}

// close does not wait long: the broker reads nothing from a blocked connection,
// not even that it closes.
func (p *alarmProbe) close() error {
	return p.conn.CloseDeadline(time.Now().Add(time.Second))
}
