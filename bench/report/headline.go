package report

import (
	"errors"
	"fmt"
	"math"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/document"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// What the headline's rows carry, in bytes.
const (
	HeadlinePayload  = 64                // of calls
	HeadlineDocument = document.Smallest // of gateways
)

// Headline is the last line of make bench-quick: how often mqrpc is what its
// peer is, in rates; P50VsAMQP1 is in latencies.
type Headline struct {
	CallsVsAMQP64           float64 `json:"calls_vs_amqp_c64"`
	CallsVsAMQP256          float64 `json:"calls_vs_amqp_c256"`
	CallsVsGRPC64           float64 `json:"calls_vs_grpc_c64"`
	CallsVsGRPC256          float64 `json:"calls_vs_grpc_c256"`
	P50VsAMQP1              float64 `json:"p50_vs_amqp_c1"`
	GatewayVsGRPCGateway256 float64 `json:"gateway_vs_grpcgateway_c256"`
	GatewayVsNetHTTP256     float64 `json:"gateway_vs_nethttp_c256"`
	J2WVsDynamicPB1K        float64 `json:"j2w_vs_dynamicpb_1k"`
	W2JVsDynamicPB1K        float64 `json:"w2j_vs_dynamicpb_1k"`
}

// Headline finds the ratios. It fails if one of the rows is missing.
func (r *Results) Headline() (Headline, error) {
	f := finder{results: r}
	h := Headline{
		CallsVsAMQP64:           f.calls("amqp", 64, rate),
		CallsVsAMQP256:          f.calls("amqp", 256, rate),
		CallsVsGRPC64:           f.calls("grpc", 64, rate),
		CallsVsGRPC256:          f.calls("grpc", 256, rate),
		P50VsAMQP1:              f.calls("amqp", 1, p50),
		GatewayVsGRPCGateway256: f.gateways("grpc-gateway", 256),
		GatewayVsNetHTTP256:     f.gateways("net-http", 256),
		J2WVsDynamicPB1K:        f.transcode(transcoding.JSONToWire),
		W2JVsDynamicPB1K:        f.transcode(transcoding.WireToJSON),
	}
	return h, f.err
}

// figure is one of a row's.
type figure func(contest.Row) contest.Spread

func rate(row contest.Row) contest.Spread { return row.Rate }
func p50(row contest.Row) contest.Spread  { return row.P50 }

// finder finds ratios and gathers what is missing.
type finder struct {
	results *Results
	err     error
}

// calls is the ratio of mqrpc's calls to a peer's.
func (f *finder) calls(peer string, callers int, figure figure) float64 {
	scenario := contest.Scenario{Callers: callers, Payload: HeadlinePayload}
	return f.find(f.results.Calls, scenario, "mqrpc", peer, figure)
}

// gateways is the ratio of the rate of mqrpc's gateway to a peer's.
func (f *finder) gateways(peer string, callers int) float64 {
	scenario := contest.Scenario{Callers: callers, Payload: HeadlineDocument}
	return f.find(f.results.Gateways, scenario, "mqrpc-gateway", peer, rate)
}

// find is the ratio of two rows with one worker that answers at once.
func (f *finder) find(rows []contest.Row, scenario contest.Scenario, own, peer string, figure figure) float64 {
	var spreads [2]contest.Spread
	for _, row := range rows {
		if row.Stage != (contest.Stage{Workers: 1}) || row.Scenario != scenario {
			continue
		}
		switch row.Peer {
		case own:
			spreads[0] = figure(row)
		case peer:
			spreads[1] = figure(row)
		}
	}
	return f.ratio(fmt.Sprintf("%s vs. %s with %d callers", own, peer, scenario.Callers), spreads[0], spreads[1])
}

// transcode is how often transcode converts 1 KB while dynamicpb does it once.
func (f *finder) transcode(direction transcoding.Direction) float64 {
	const size = 1 << 10
	var transcode, dynamic contest.Spread
	for _, row := range f.results.Transcode {
		if row.Direction != direction || row.JSON != size {
			continue
		}
		switch row.Peer {
		case transcoding.Transcode:
			transcode = row.Time
		case transcoding.Dynamic:
			dynamic = row.Time
		}
	}
	return f.ratio("transcode, "+string(direction), dynamic, transcode) // of rates, not of times
}

func (f *finder) ratio(what string, a, b contest.Spread) float64 {
	ratio, err := contest.Ratio(a, b)
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("%s: %w", what, err))
	}
	return math.Round(ratio*1000) / 1000
}
