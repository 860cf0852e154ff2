package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// sample has what the headline needs, and a row that failed.
func sample() *Results {
	at := func(median float64) contest.Spread {
		return contest.Spread{Median: median, Min: median - 1, Max: median + 1}
	}
	row := func(peer string, callers int, rate, p50 float64) contest.Row {
		return contest.Row{
			Stage: contest.Stage{Workers: 1}, Scenario: contest.Scenario{Callers: callers, Payload: HeadlinePayload},
			Peer: peer, Rounds: 5, Rate: at(rate), P50: at(p50), P99: at(2 * p50),
			CPU: map[contest.Role]contest.Spread{contest.Client: at(4), contest.Server: at(5.5)},
		}
	}
	gateway := func(peer string, rate float64) contest.Row {
		gateway := row(peer, 256, rate, 1000)
		gateway.Scenario.Payload = HeadlineDocument
		gateway.CPU[contest.Gateway] = at(20)
		return gateway
	}
	failed := row("amqp", 1024, 0, 0)
	failed.Error = "refused"
	return &Results{
		Began: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), TookS: 1200, Rounds: 5, RoundS: 1,
		Machine: Machine{Cores: 2, CPU: "a CPU", Go: "go1.26", Versions: []Version{{"RabbitMQ", "4.1"}}},
		Calls: []contest.Row{
			row("mqrpc", 1, 9000, 110), row("amqp", 1, 10000, 100), row("grpc", 1, 20000, 50),
			row("mqrpc", 64, 80000, 800), row("amqp", 64, 20000, 3000), row("grpc", 64, 40000, 1500),
			row("mqrpc", 256, 1234567, 800), row("amqp", 256, 20000, 3000), row("grpc", 256, 40000, 1500),
			failed,
		},
		Gateways: []contest.Row{gateway("mqrpc-gateway", 30000), gateway("grpc-gateway", 10000), gateway("net-http", 40000)},
		Transcode: []transcoding.Row{
			{Direction: transcoding.JSONToWire, JSON: 1 << 10, Peer: transcoding.Transcode, Time: at(1000)},
			{Direction: transcoding.JSONToWire, JSON: 1 << 10, Peer: transcoding.Dynamic, Time: at(20000)},
			{Direction: transcoding.WireToJSON, JSON: 1 << 10, Peer: transcoding.Transcode, Time: at(1000)},
			{Direction: transcoding.WireToJSON, JSON: 1 << 10, Peer: transcoding.Dynamic, Time: at(15500)},
		},
	}
}

func TestHeadline(t *testing.T) {
	headline, err := sample().Headline()
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(headline)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"calls_vs_amqp_c64":4,"calls_vs_amqp_c256":61.728,"calls_vs_grpc_c64":2,"calls_vs_grpc_c256":30.864,` +
		`"p50_vs_amqp_c1":1.1,"gateway_vs_grpcgateway_c256":3,"gateway_vs_nethttp_c256":0.75,"j2w_vs_dynamicpb_1k":20,"w2j_vs_dynamicpb_1k":15.5}`
	if diff := cmp.Diff(want, string(line)); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
}

func TestHeadlineOfTooLittle(t *testing.T) {
	results := sample()
	results.Calls = results.Calls[:4]
	results.Transcode = nil
	results.Gateways = nil
	_, err := results.Headline()
	for _, missing := range []string{"amqp with 64", "grpc with 256", "net-http", "JSON to wire"} {
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("the error %v does not tell of %s", err, missing)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	results := sample()
	if err := results.Write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results, read); diff != "" {
		t.Errorf("what was read differs (-written +read):\n%s", diff)
	}
}

func TestMarkdown(t *testing.T) {
	text := string(sample().markdown())
	for _, line := range []string{
		"| date | 2024-02-29, took 20 min |",
		"| machine | 2 cores, a CPU,  |",
		"| RabbitMQ | 4.1 |",
		"### 64 B, handler returns at once, 1 worker",
		"| callers | mqrpc | amqp | grpc |",
		"| 256 | 1,234,567 | 20,000 | 40,000 |",
		"| 1,024 |  | failed |  |",
		"| mqrpc | 64 | 80,000 | 79,999 to 80,001 | 0.80 | 1.60 | 4.0 |  | 5.5 | 9.5 |",
		"| amqp | 1,024 | failed: refused |",
		"### 23 B, handler returns at once, 1 worker",
		"| mqrpc-gateway | 256 | 30,000 | 29,999 to 30,001 | 1.00 | 2.00 | 4.0 | 20.0 |  | 5.5 | 29.5 |",
		"| protojson, dynamicpb, JSON to wire | 1 KB | 20,000 | 19,999 to 20,001 | 0 | 20.0 |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("there is no line %q in\n%s", line, text)
		}
	}
}

// TestTables holds every row of a table to as many cells as its head.
func TestTables(t *testing.T) {
	head := 0
	for line := range strings.Lines(string(sample().markdown())) {
		cells := strings.Count(line, "|")
		switch {
		case cells == 0:
			head = 0
		case head == 0:
			head = cells
		case cells > head || cells < head && !strings.Contains(line, "failed"):
			t.Errorf("%d cells where the head has %d: %s", cells, head, line)
		}
	}
}

func TestChart(t *testing.T) {
	for name, results := range map[string]*Results{"sample": sample(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			chart := results.chart()
			decoder := xml.NewDecoder(bytes.NewReader(chart))
			for {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("the picture is no XML: %v\n%s", err, chart)
				}
			}
			if bytes.Contains(chart, []byte("NaN")) || bytes.Contains(chart, []byte("Inf")) {
				t.Errorf("the picture has coordinates that are no numbers:\n%s", chart)
			}
		})
	}
	if chart := sample().chart(); !bytes.Contains(chart, []byte(">plain AMQP</text>")) {
		t.Errorf("the picture does not name plain AMQP:\n%s", chart)
	}
}
