package zookeeper

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mqrpc/mqrpc/contract"
)

// link is one session of ZooKeeper's over one connection, from dialling to the
// end of either. The client would reconnect by itself and take its watches with
// it; it is not left to, since a change may fall in between unseen.
type link struct {
	conn   *zk.Conn
	events <-chan zk.Event
	paths  paths

	session chan struct{} // closed when there is a session
	ended   chan struct{} // closed when it, or the connection, is no more
	once    struct{ session, ended sync.Once }
	tried   chan error // why a try to connect failed; has room for one

	mu      sync.Mutex
	watched map[contract.Key]watchState
	fired   map[contract.Key]bool // to be watched again
	wake    chan struct{}         // has room for one signal
}

// watchState is what is known of a key's watch, none if it has fired.
type watchState int

const (
	watchAsked watchState = iota + 1 // the server has not answered yet
	watchSet
)

// dial begins to connect.
func (r *Registry) dial() (*link, error) {
	l := &link{
		paths:   r.paths,
		session: make(chan struct{}),
		ended:   make(chan struct{}),
		tried:   make(chan error, 1),
		watched: make(map[contract.Key]watchState),
		fired:   make(map[contract.Key]bool),
		wake:    make(chan struct{}, 1),
	}
	var err error
	l.conn, l.events, err = zk.Connect(r.config.Servers, r.config.SessionTimeout,
		zk.WithEventCallback(l.take),
		zk.WithDialer(l.dialer(r.config.TLS)),
		zk.WithLogger(clientLogger{r.config.Logger}),
		zk.WithLogInfo(false))
	return l, err
}

// dialer dials, and keeps why that failed.
func (l *link) dialer(config *tls.Config) zk.Dialer {
	return func(network, address string, timeout time.Duration) (net.Conn, error) {
		dialer := &net.Dialer{Timeout: timeout}
		conn, err := dialer.Dial(network, address)
		if err == nil && config != nil {
			conn, err = secure(conn, address, config, timeout)
		}
		if err != nil {
			l.failed(err)
		}
		return conn, err
	}
}

func secure(conn net.Conn, address string, config *tls.Config, timeout time.Duration) (net.Conn, error) {
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

func (l *link) failed(err error) {
	select {
	case l.tried <- err:
	default:
	}
}

// take is the client's event callback; it must not block.
func (l *link) take(event zk.Event) {
	switch event.Type {
	case zk.EventSession:
		switch event.State {
		case zk.StateHasSession:
			l.once.session.Do(func() { close(l.session) })
		case zk.StateDisconnected, zk.StateExpired, zk.StateAuthFailed:
			if l.hasSession() {
				l.once.ended.Do(func() { close(l.ended) })
			} else {
				l.failed(errors.New("the server has ended the connection before there was a session"))
			}
		}
	case zk.EventNodeCreated, zk.EventNodeDataChanged, zk.EventNodeDeleted:
		if key, ok := l.paths.ofAPI(event.Path); ok {
			l.fire(key)
		}
	}
}

func (l *link) hasSession() bool {
	select {
	case <-l.session:
		return true
	default:
		return false
	}
}

func (l *link) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// fire notes that a key's watch is spent, or could not be set.
func (l *link) fire(key contract.Key) {
	l.mu.Lock()
	delete(l.watched, key)
	l.fired[key] = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// takeFired returns the keys that are to be watched again.
func (l *link) takeFired() []contract.Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]contract.Key, 0, len(l.fired))
	for key := range l.fired {
		keys = append(keys, key)
	}
	clear(l.fired)
	return keys
}

// watch sets a key's watch, unless it is set. When it returns nil, the next
// change is going to fire it.
func (l *link) watch(key contract.Key) error {
	l.mu.Lock()
	if l.watched[key] == watchSet {
		l.mu.Unlock()
		return nil
	}
	l.watched[key] = watchAsked
	l.mu.Unlock()
	_, _, _, err := l.conn.ExistsW(l.paths.api(key)) //nolint:dogsled // take gets the events, whether it exists is read later
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		delete(l.watched, key)
		return fmt.Errorf("watch %s: %w", key, err)
	}
	if l.watched[key] == watchAsked { // it has not fired meanwhile
		l.watched[key] = watchSet
	}
	return nil
}

// close ends the session. It waits for the client's goroutines.
func (l *link) close() {
	l.conn.Close()
	for range l.events { // closed at the end
	}
}

// clientLogger takes what the client says about its connection. None of it holds
// a credential.
type clientLogger struct{ log *slog.Logger }

func (c clientLogger) Printf(format string, args ...any) {
	c.log.Debug("zookeeper: " + fmt.Sprintf(format, args...))
}
