//go:build services

package rabbitmq

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/internal/testbroker"
)

// undecided is a connection on which setting the deadline of reads takes until
// release.
type undecided struct {
	net.Conn

	asked   atomic.Bool
	release chan struct{}
}

func (u *undecided) SetReadDeadline(time.Time) error {
	u.asked.Store(true)
	<-u.release
	return nil
}

// corked.SetReadDeadline takes its time, which is right only as long as amqp091
// reads and writes meanwhile.
func TestTrafficGoesOnWhileTheDeadlineOfReadsIsSet(t *testing.T) {
	address := testbroker.Shared(t)
	conn := &undecided{release: make(chan struct{})}
	exchanged := make(chan error, 1)
	go func() {
		connection, err := amqp.DialConfig(address, amqp.Config{Dial: func(network, host string) (_ net.Conn, err error) {
			conn.Conn, err = (&net.Dialer{}).DialContext(t.Context(), network, host)
			return conn, err
		}})
		if err != nil {
			exchanged <- err
			return
		}
		channel, err := connection.Channel()
		for i := 0; i < 100 && err == nil; i++ {
			err = answered(channel)
		}
		exchanged <- errors.Join(err, connection.Close())
	}()
	select {
	case err := <-exchanged:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second):
		t.Error("amqp091 waits for the deadline to be set")
	}
	close(conn.release)
	if !conn.asked.Load() {
		t.Error("amqp091 has set no deadline")
	}
}
