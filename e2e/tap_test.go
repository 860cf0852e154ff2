package e2e_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// TestTapHearsEveryCallAndReply of a single caller, from the moment it is bound.
func TestTapHearsEveryCallAndReply(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		mustInvoke(t, client, r.echo.echo, "before the tap")

		const calls = 500
		heard := make(chan *runtime.Delivery, 2*calls)
		_, err := r.connect().Consume(t.Context(), runtime.Queue{
			Name: "tap_" + r.echo.service.Module,
			Bindings: []runtime.Binding{
				{Exchange: wire.CallsExchange, Key: r.echo.service.Module + ".*"},
				{Exchange: wire.RepliesExchange, Key: "*." + r.echo.service.Module + ".*"},
			},
			Expires: time.Minute,
		}, func(d *runtime.Delivery) {
			d.Settle.Ack()
			heard <- d
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range calls {
			mustInvoke(t, client, r.echo.echo, strconv.Itoa(i))
		}
		counts := map[string]int{}
		timeout := time.After(20 * time.Second)
		for counts[wire.TypeCall] < calls || counts[wire.TypeReply] < calls {
			select {
			case d := <-heard:
				if d.Type == wire.TypeCall {
					decoded, err := wire.DecodeCalls(d.Body)
					if err != nil {
						t.Fatal(err)
					}
					counts[d.Type] += len(decoded)
					continue
				}
				_, decoded, err := wire.DecodeReplies(d.Body)
				if err != nil {
					t.Fatal(err)
				}
				counts[d.Type] += len(decoded)
			case <-timeout:
				t.Fatalf("the tap heard %v of %d calls and replies", counts, calls)
			}
		}
	})
}
