// Package faultproxy puts a bad network between a client and a server in tests:
// a TCP proxy that cuts connections, refuses new ones, or falls silent.
//
//	proxy := faultproxy.New(t, brokerAddress)
//	client := dial(proxy.Addr())
//	proxy.Cut() // the client's connection is reset
package faultproxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// dialTimeout bounds the proxy's own connecting to the server, which is on this
// machine.
const dialTimeout = 10 * time.Second

// Proxy passes TCP connections on to one server. Its methods may be called
// concurrently, and hold for all that happens after they return.
type Proxy struct {
	target   string
	listener net.Listener
	done     sync.WaitGroup // the accept loop, and every connection

	upstream, downstream *gate // for bytes to the server, and to clients

	mu     sync.Mutex
	closed bool
	refuse bool
	links  map[*link]struct{}
	stats  Stats
}

// Stats counts what a proxy has done since it was made.
type Stats struct {
	Accepted int // connections passed on to the server
	Refused  int // connections closed at once, because of Refuse or an absent server
	Cut      int // connections reset by Cut

	BytesUpstream   int64 // from clients to the server
	BytesDownstream int64 // from the server to clients
}

// New starts a proxy on a free port of 127.0.0.1 that passes connections on to
// the address target. It ends with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		target:     target,
		listener:   listener,
		upstream:   newGate(),
		downstream: newGate(),
		links:      make(map[*link]struct{}),
	}
	p.done.Go(p.acceptLoop)
	t.Cleanup(p.close)
	return p
}

// Addr returns the address that clients connect to, host:port. It stays the
// same whatever happens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut resets all open connections on both sides, as a crashed machine or a
// firewall does. Bytes on their way are lost. New connections are passed on,
// unless Refuse says otherwise, and count as new until the proxy has reached
// the server: a client that has heard from the server is cut for certain.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Cut += len(p.links)
	p.resetLinks()
}

// Refuse says whether new connections are closed at once, as if nobody
// listened. Open ones are left alone.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// Freeze stops passing bytes on, both ways, and leaves connections open: what a
// lost route looks like. New connections are accepted, and as silent.
func (p *Proxy) Freeze() {
	p.upstream.shut()
	p.downstream.shut()
}

// FreezeUpstream stops the bytes that clients send.
func (p *Proxy) FreezeUpstream() { p.upstream.shut() }

// FreezeDownstream stops the bytes that the server sends.
func (p *Proxy) FreezeDownstream() { p.downstream.shut() }

// Thaw ends Freeze, FreezeUpstream and FreezeDownstream: bytes that were held
// back are passed on, in order.
func (p *Proxy) Thaw() {
	p.upstream.open()
	p.downstream.open()
}

// Open returns how many connections are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Stats returns the counts so far.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

func (p *Proxy) close() {
	_ = p.listener.Close() // ends the accept loop
	p.mu.Lock()
	p.closed = true
	p.resetLinks()
	p.mu.Unlock()
	p.done.Wait()
}

func (p *Proxy) acceptLoop() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.done.Go(func() { p.serve(client) })
	}
}

// serve passes one connection on until it ends.
func (p *Proxy) serve(client net.Conn) {
	if p.refuses() {
		reset(client)
		return
	}
	server, err := net.DialTimeout("tcp", p.target, dialTimeout)
	if err != nil {
		p.countRefused()
		reset(client)
		return
	}
	l := newLink(client, server)
	if !p.add(l) {
		l.reset()
		return
	}
	defer p.remove(l)
	l.run(
		direction{from: client, to: server, gate: p.upstream, count: p.countUpstream},
		direction{from: server, to: client, gate: p.downstream, count: p.countDownstream},
	)
}

// refuses counts a new connection as refused, if it is.
func (p *Proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse || p.closed {
		p.stats.Refused++
		return true
	}
	return false
}

func (p *Proxy) countRefused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Refused++
}

// add registers a connection, unless what happened while it was being made
// rules it out.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		p.stats.Refused++
		return false
	}
	p.stats.Accepted++
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// resetLinks ends all connections. The caller holds p.mu.
func (p *Proxy) resetLinks() {
	for l := range p.links {
		l.reset()
		delete(p.links, l)
	}
}

func (p *Proxy) countUpstream(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.BytesUpstream += int64(bytes)
}

func (p *Proxy) countDownstream(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.BytesDownstream += int64(bytes)
}
