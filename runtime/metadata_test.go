package runtime_test

import (
	"testing"

	"github.com/mqrpc/mqrpc/runtime"
)

func TestMetadataIgnoresCase(t *testing.T) {
	m := runtime.Metadata{}
	m.Set("X-Request-Id", "1")
	if m["x-request-id"] != "1" || m.Get("X-REQUEST-ID") != "1" {
		t.Errorf("got %v", m)
	}
	var none runtime.Metadata
	if none.Get("x") != "" {
		t.Error("nil metadata has a value")
	}
}

func TestContextsDoNotShareMetadata(t *testing.T) {
	base := runtime.WithMetadata(t.Context(), "a", "1")
	runtime.WithMetadata(base, "b", "2")
	got := runtime.OutgoingMetadata(base)
	if len(got) != 1 || got.Get("A") != "1" {
		t.Errorf("the first context carries %v", got)
	}
	got.Set("c", "3")
	if runtime.OutgoingMetadata(base).Get("c") != "" {
		t.Error("a change of the copy reached the context")
	}
}

func TestReplyMetadataOutsideAHandler(t *testing.T) {
	runtime.SetReplyMetadata(t.Context(), "a", "1") // must not panic
	if runtime.CallFromContext(t.Context()) != nil {
		t.Error("there is a call outside a handler")
	}
}
