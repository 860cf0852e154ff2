package registrytest

import (
	"context"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

// BenchmarkChange measures from the moment at which a publisher begins to change
// an API until a gateway, which follows it by a notifier of its own, applies
// the change. It closes nothing that it is given.
func BenchmarkChange(b *testing.B, writer registry.Store, announcer registry.Notifier, reader registry.Store, notifier registry.Notifier) {
	b.Helper()
	applied := make(chan int64, 16)
	gateway, err := catalog.New(catalog.Config{
		Store:    reader,
		Notifier: notifier,
		Changed:  func(change catalog.Change) { applied <- change.Registry.Sequence },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = gateway.Close(context.Background()) }()

	api := API(contract.Key{Module: "bench", Version: "1.0"}, 1, 1)
	if err := writer.Save(b.Context(), api); err != nil {
		b.Fatal(err)
	}
	if _, err := gateway.API(b.Context(), api.GetModule(), api.GetVersion()); err != nil {
		b.Fatal(err)
	}
	<-applied
	for b.Loop() {
		api = Next(api, time.Duration(api.GetSequence())*time.Millisecond)
		if err := announcer.Announce(b.Context(), api); err != nil {
			b.Fatal(err)
		}
		if err := writer.Save(b.Context(), api); err != nil {
			b.Fatal(err)
		}
		for sequence := int64(0); sequence < api.GetSequence(); {
			select {
			case sequence = <-applied:
			case <-time.After(10 * time.Second):
				b.Fatalf("the change %d has not come into effect within 10 s", api.GetSequence())
			}
		}
	}
}
