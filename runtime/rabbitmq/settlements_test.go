package rabbitmq

import (
	"testing"
	"testing/synctest"
)

func TestAcknowledgementsWaitAShortWhile(t *testing.T) {
	for name, tc := range map[string]struct {
		prefetch, acks int
		requeue        bool
		atOnce         bool
	}{
		"one":              {prefetch: 256, acks: 1},
		"without a limit":  {acks: 1},
		"few":              {prefetch: 256, acks: maxUnwritten - 1},
		"many":             {prefetch: 256, acks: maxUnwritten, atOnce: true},
		"a small prefetch": {prefetch: 1, acks: 1, atOnce: true},
		"a quarter":        {prefetch: 20, acks: 5, atOnce: true},
		"below a quarter":  {prefetch: 20, acks: 4},
		"a requeue":        {prefetch: 256, requeue: true, atOnce: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := newOutbox(0, 0)
				s := settlements{poke: out.poke}
				for range tc.acks {
					s.add(settlement{}, tc.prefetch)
				}
				if tc.requeue {
					s.add(settlement{requeue: true}, tc.prefetch)
				}
				if atOnce := len(out.wake) > 0; atOnce != tc.atOnce {
					t.Errorf("the writer is poked at once: %t, want %t", atOnce, tc.atOnce)
				}
				advance(settleDelay)
				synctest.Wait()
				if len(out.wake) == 0 {
					t.Error("the writer is not poked after the delay")
				}
			})
		})
	}
}
