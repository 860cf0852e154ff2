// Command registrybench measures what the registry and the dynamic gateway
// promise: how soon a new API and a change take effect, what a large registry
// costs, and what strangers can make the gateway do. Run it by
//
//	make bench-registry
//
// which starts the servers that it needs. What it finds goes to standard error
// as it comes; the last line, on standard output, is one JSON object.
//
//   - main.go: the order, and the result
//   - gatewayprocess.go: a gateway in a process of its own, and requests to it
//   - effect.go: hot plugging, and changes by each notifier
//   - resident.go: start and memory with 100,000 APIs in the store
//   - loaded.go: lookups and loads, in this process
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// limit bounds the whole run.
const limit = 5 * time.Minute

// results are the figures of the last line.
type results struct {
	HotPlugMS              float64            `json:"hot_plug_ms"`
	ChangeToEffectMS       map[string]float64 `json:"change_to_effect_ms"`
	PollToEffectMS         float64            `json:"poll_to_effect_ms"`
	RSS100kVs0             float64            `json:"rss_100k_vs_0"`
	LookupNS1              float64            `json:"lookup_ns_1"`
	LookupNS100k           float64            `json:"lookup_ns_100k"`
	LoadsFor1000Cold       int64              `json:"loads_for_1000_cold"`
	StoreQueriesInvented   int64              `json:"store_queries_for_100k_invented"`
	HeapPer1000LoadedBytes int64              `json:"heap_per_1000_loaded_bytes"`
	StartMS100k            float64            `json:"start_ms_100k"`
	StartMS0               float64            `json:"start_ms_0"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "registrybench:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "registrybench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, program: filepath.Join(dir, "mqrpc")}
	if err := b.build(ctx); err != nil {
		return err
	}
	for _, measure := range []func(context.Context, *results) error{
		b.hotPlug, b.changes, b.resident, b.cold, b.invented, b.lookups,
	} {
		if err := measure(ctx, &b.results); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(b.results)
}

// bench is one run.
type bench struct {
	dir     string
	program string
	results results
}

func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// address reads where a server is from the environment that scripts/services
// sets.
func address(variable string) (string, error) {
	value := os.Getenv(variable)
	if value == "" {
		return "", fmt.Errorf("%s is not set: run make bench-registry", variable)
	}
	return value, nil
}
