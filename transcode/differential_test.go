package transcode_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

// The differential tests hold every conversion to the reference, protojson over
// dynamicpb: same verdict, same message, same bytes of JSON. Their files:
//
//	differential_test.go            the targets, the long run, how a failure is shown
//	differential_contracts_test.go  the message types and options
//	differential_reference_test.go  the reference and what counts as the same
//	differential_seeds_test.go      inputs that are known to be traps
//	differential_random_test.go     messages with random content
//	differential_deep_test.go       JSON that is nested to the limit
//	differential_mutatejson_test.go JSON changed at random, still nearly JSON
//	differential_mutatewire_test.go wire changed at random, still nearly wire
//
// The first two bytes of an input choose the message type and the options.

// FuzzAppendWire compares on any JSON.
func FuzzAppendWire(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add(indexOf(f, seed.message), seed.options, []byte(seed.text))
	}
	f.Fuzz(func(t *testing.T, message, options byte, text []byte) {
		if err := compareFromJSON(converterFor(t, message, options), text); err != nil {
			t.Error(err)
		}
	})
}

// FuzzAppendJSON compares on any wire.
func FuzzAppendJSON(f *testing.F) {
	for _, seed := range wireSeeds {
		f.Add(indexOf(f, seed.message), seed.options, seed.wire)
	}
	for _, seed := range jsonSeeds {
		c := converterFor(f, indexOf(f, seed.message), seed.options)
		if message, err := c.referenceWire([]byte(seed.text)); err == nil {
			wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(indexOf(f, seed.message), seed.options, wire)
		}
	}
	f.Fuzz(func(t *testing.T, message, options byte, wire []byte) {
		if err := compareFromWire(converterFor(t, message, options), wire); err != nil {
			t.Error(err)
		}
	})
}

// compareFromJSON compares what a JSON text becomes, there and back again.
func compareFromJSON(c converter, text []byte) error {
	wire, err := c.compareWire(text)
	if err != nil || wire == nil {
		return err
	}
	if _, err := c.compareJSON(wire); err != nil {
		return fmt.Errorf("on the way back, of %x: %w", wire, err)
	}
	return nil
}

// compareFromWire compares what wire becomes, there and back again.
func compareFromWire(c converter, wire []byte) error {
	text, err := c.compareJSON(wire)
	if err != nil || text == nil {
		return err
	}
	if _, err := c.compareWire(text); err != nil {
		return fmt.Errorf("on the way back, of %s: %w", text, err)
	}
	return nil
}

const (
	// differentialCases is how many cases TestDifferential runs unless the
	// environment says otherwise: some seconds without the race detector.
	differentialCases = 100_000
	// differentialCasesEnv is for the long run: 10000000 take a quarter of an hour, so
	// go test needs a -timeout, too.
	differentialCasesEnv = "MQRPC_DIFFERENTIAL_CASES"
	// differentialSeedEnv is where the cases begin. The default is one for
	// ever, so that CI fails for changes alone; "random" takes the clock.
	differentialSeedEnv = "MQRPC_DIFFERENTIAL_SEED"
)

// TestDifferential compares on random messages, changed a little at random.
// Unlike the fuzz targets it knows the types, so most of its inputs are valid
// or nearly so. Case n is the same in every run.
func TestDifferential(t *testing.T) {
	cases, first := differentialRange(t)
	testContracts(t) // A failure to load them belongs to this goroutine.
	var next, failures atomic.Uint64
	var workers sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for failures.Load() < 10 {
				n := next.Add(1) - 1
				if n >= cases {
					return
				}
				if failed := runCase(t, first+n); failed != nil {
					failures.Add(1)
					t.Error(failed)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d cases from %d on in %v", min(next.Load(), cases), first, time.Since(start).Round(time.Millisecond))
}

func differentialRange(t *testing.T) (cases, first uint64) {
	t.Helper()
	cases = differentialCases
	if raceEnabled || testing.Short() {
		cases /= 10
	}
	parse := func(name string, into *uint64) {
		text := os.Getenv(name)
		if text == "" {
			return
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		*into = n
	}
	parse(differentialCasesEnv, &cases)
	if os.Getenv(differentialSeedEnv) == "random" {
		return cases, uint64(time.Now().UnixNano())
	}
	parse(differentialSeedEnv, &first)
	return cases, first
}

// runCase makes one input from a number, compares both directions, and makes
// the input small where that fails.
func runCase(t *testing.T, n uint64) error {
	random := rand.New(rand.NewPCG(n, 0))
	index, options := byte(random.IntN(len(comparedMessages))), byte(random.IntN(32))
	if random.IntN(4) > 0 {
		options &^= 16 // The low limit refuses most of what is interesting.
	}
	if random.IntN(40) == 0 {
		index = indexOf(t, "Tree")
	}
	c := converterFor(t, index, options)
	message := (&messageMaker{Rand: random, types: testContracts(t).types, budget: 1 + random.IntN(30)}).make(c.Descriptor())

	var input []byte
	compare, target := compareFromJSON, "FuzzAppendWire"
	switch {
	case c.Descriptor().Name() == "Tree" && random.IntN(2) == 0:
		input = (&deepMaker{Rand: random, unknown: c.options.DiscardUnknown}).made(c.options.MaxDepth)
		if random.IntN(2) == 0 {
			compare, target = compareFromWire, "FuzzAppendJSON"
			input = c.unlimitedWire(input)
		}
	case random.IntN(2) == 0:
		compare, target = compareFromWire, "FuzzAppendJSON"
		input = (&wireMutator{Rand: random, descriptor: c.Descriptor()}).mutated(message)
	default:
		input = (&jsonMutator{Rand: random}).mutated(message, c.options.Resolver)
	}
	if compare(c, input) == nil {
		return nil
	}
	input = shrunk(input, func(smaller []byte) bool { return compare(c, smaller) != nil })
	return fmt.Errorf("case %d: %s with %s: %w\nas testdata/fuzz/%s/…:\n%s",
		n, c.Descriptor().FullName(), c.describeOptions(), compare(c, input), target, corpusEntry(index, options, input))
}

func (c converter) describeOptions() string {
	described := fmt.Sprintf("depth %d", c.maxDepth())
	for name, set := range map[string]bool{
		"DiscardUnknown":  c.options.DiscardUnknown,
		"EmitUnpopulated": c.options.EmitUnpopulated,
		"UseProtoNames":   c.options.UseProtoNames,
		"UseEnumNumbers":  c.options.UseEnumNumbers,
	} {
		if set {
			described += ", " + name
		}
	}
	return described
}

// corpusEntry is a file of a fuzz target's corpus.
func corpusEntry(message, options byte, input []byte) string {
	choice := func(b byte) string { return fmt.Sprintf("byte('\\x%02x')\n", b) }
	return "go test fuzz v1\n" + choice(message) + choice(options) + fmt.Sprintf("[]byte(%q)\n", input)
}

// shrunk removes what it can from an input that still fails.
func shrunk(input []byte, fails func([]byte) bool) []byte {
	for size := len(input) / 2; size > 0; size /= 2 {
		for start := 0; start+size <= len(input); {
			if smaller := append(bytes.Clone(input[:start]), input[start+size:]...); fails(smaller) {
				input = smaller
			} else {
				start++
			}
		}
	}
	return input
}
