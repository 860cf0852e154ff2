package testbroker

import (
	"sync"
	"testing"
)

// Lazy is a private broker for all tests of one test binary. It is started by
// the first test that asks for it. The zero value is ready to use:
//
//	var broker testbroker.Lazy
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		broker.Close()
//		os.Exit(code)
//	}
//
//	func TestRestart(t *testing.T) {
//		b := broker.Get(t)
//		b.Kill()
//		...
//	}
//
// Tests that disturb the broker must not run in parallel with others that use
// it.
type Lazy struct {
	// Options are those of the broker. Set them before the first Get.
	Options Options

	mu   sync.Mutex
	node *node
}

// Get returns the broker, running, also if an earlier test has left it stopped.
func (l *Lazy) Get(t testing.TB) *Broker {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.node == nil {
		l.node, err = launchNode(l.Options)
	} else {
		err = l.node.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Broker{t: t, node: l.node}
}

// Close removes the broker with all its data. It panics if it cannot, so that
// TestMain need not look at an error.
func (l *Lazy) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.node == nil {
		return
	}
	if err := l.node.remove(); err != nil {
		panic(err)
	}
	l.node = nil
}
