//go:build services

package cli

import (
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/internal/testbroker"
)

func TestDemoOverRabbitMQ(t *testing.T) {
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--amqp", testbroker.Shared(t))
	after := await(t, &p.out, "The gateway stays up on ")
	address, _, _ := strings.Cut(after, ";")
	checkHints(t, address)
	for _, line := range []string{"[worker 1.0] ready\n", "[worker 1.1] ready\n"} {
		if !strings.Contains(p.out.String(), line) {
			t.Errorf("no %q in\n%s", line, p.out.String())
		}
	}
	p.stop()
	p.wait(t, exitOK)
}
