package runtime

import (
	"testing"

	"github.com/mqrpc/mqrpc/wire"
)

func TestBatchesKeepTheProtocolsLimit(t *testing.T) {
	for configured, want := range map[int]int{-1: DefaultBatchEntries, 0: DefaultBatchEntries, 1: 1, wire.MaxBatch + 1: wire.MaxBatch} {
		if got := (Batching{MaxEntries: configured}).limits().Entries; got != want {
			t.Errorf("MaxEntries %d: messages hold up to %d calls, want %d", configured, got, want)
		}
	}
}
