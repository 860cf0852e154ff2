package transcode_test

import (
	"bytes"
	"strings"
	"testing"
)

// TestNoAllocation holds regular messages to none at all, once the buffers have
// grown to their size.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, p := range payloads(t) {
		t.Run(p.name, func(t *testing.T) {
			message := orderConverter(t, p)
			conversions := map[string]func(dst []byte) ([]byte, error){
				"AppendWire": func(dst []byte) ([]byte, error) { return message.AppendWire(dst, p.json) },
				"AppendJSON": func(dst []byte) ([]byte, error) { return message.AppendJSON(dst, p.wire) },
			}
			for name, convert := range conversions {
				buffer := make([]byte, 0, 2*len(p.json))
				var failed error
				run := func() {
					if _, err := convert(buffer); err != nil {
						failed = err
					}
				}
				if allocations := testing.AllocsPerRun(200, run); allocations > 0 {
					t.Errorf("%s makes %g allocations", name, allocations)
				}
				if failed != nil {
					t.Errorf("%s: %v", name, failed)
				}
			}
		})
	}
}

// TestNoAllocationOfAnyKind holds the tricky inputs to none, too, but for those
// that resolve types by name (Any, extensions) or fall back.
func TestNoAllocationOfAnyKind(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, seed := range jsonSeeds {
		if strings.Contains(seed.text, "type") || strings.Contains(seed.text, `"[`) {
			continue
		}
		c := converterFor(t, indexOf(t, seed.message), seed.options)
		before, text := c.Fallbacks(), []byte(seed.text)
		wire, err := c.AppendWire(nil, text)
		if err != nil {
			continue
		}
		if _, err := c.AppendJSON(nil, wire); err != nil {
			t.Errorf("%s comes in and does not go out: %v", text, err)
		}
		if c.Fallbacks() > before {
			continue
		}
		buffer := make([]byte, 0, 4*len(text)+4096)
		if allocations := testing.AllocsPerRun(20, func() { _, err = c.AppendWire(buffer, text) }); allocations > 0 || err != nil {
			t.Errorf("%.200s: %g allocations, %v", text, allocations, err)
		}
		if allocations := testing.AllocsPerRun(20, func() { _, err = c.AppendJSON(buffer, wire) }); allocations > 0 || err != nil {
			t.Errorf("%.200s: %g allocations on the way back, %v", text, allocations, err)
		}
	}
}

// TestPayloads holds the payloads to the sizes that their names promise, and
// both directions to the same message.
func TestPayloads(t *testing.T) {
	sizes := map[string][2]int{"23B": {23, 23}, "1KB": {900, 1200}, "50KB": {48_000, 54_000}}
	for _, p := range payloads(t) {
		message := orderConverter(t, p)
		if size := len(p.json); size < sizes[p.name][0] || size > sizes[p.name][1] {
			t.Errorf("%s has %d bytes", p.name, size)
		}
		text, err := message.AppendJSON(nil, p.wire)
		if err != nil || !bytes.Equal(text, p.json) {
			t.Errorf("%s: got %s, %v", p.name, text, err)
		}
		if _, err := message.AppendWire(nil, p.json); err != nil || message.Fallbacks() > 0 {
			t.Errorf("%s: %v, %d fallbacks", p.name, err, message.Fallbacks())
		}
	}
}
