package report

import (
	"errors"
	"fmt"
	"math"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// HeadlinePayload is the size of what the headline's calls carry, in bytes.
const HeadlinePayload = 64

// Headline is the last line of make bench-quick: how often mqrpc is what its
// peer is, in rates; P50VsAMQP1 is in latencies.
type Headline struct {
	CallsVsAMQP64    float64 `json:"calls_vs_amqp_c64"`
	CallsVsAMQP256   float64 `json:"calls_vs_amqp_c256"`
	CallsVsGRPC64    float64 `json:"calls_vs_grpc_c64"`
	CallsVsGRPC256   float64 `json:"calls_vs_grpc_c256"`
	P50VsAMQP1       float64 `json:"p50_vs_amqp_c1"`
	J2WVsDynamicPB1K float64 `json:"j2w_vs_dynamicpb_1k"`
	W2JVsDynamicPB1K float64 `json:"w2j_vs_dynamicpb_1k"`
}

// Headline finds the ratios. It fails if one of the rows is missing.
func (r *Results) Headline() (Headline, error) {
	f := finder{results: r}
	h := Headline{
		CallsVsAMQP64:    f.calls(r.Calls, "amqp", HeadlinePayload, 64, rate),
		CallsVsAMQP256:   f.calls(r.Calls, "amqp", HeadlinePayload, 256, rate),
		CallsVsGRPC64:    f.calls(r.Calls, "grpc", HeadlinePayload, 64, rate),
		CallsVsGRPC256:   f.calls(r.Calls, "grpc", HeadlinePayload, 256, rate),
		P50VsAMQP1:       f.calls(r.Calls, "amqp", HeadlinePayload, 1, p50),
		J2WVsDynamicPB1K: f.transcode(transcoding.JSONToWire),
		W2JVsDynamicPB1K: f.transcode(transcoding.WireToJSON),
	}
	return h, f.err
}

// own is the name that mqrpc has among its peers.
const own = "mqrpc"

func rate(row contest.Row) contest.Spread { return row.Rate }
func p50(row contest.Row) contest.Spread  { return row.P50 }

// finder finds ratios and gathers what is missing.
type finder struct {
	results *Results
	err     error
}

// calls is the ratio of mqrpc's figure to a peer's, with one worker that answers at once.
func (f *finder) calls(rows []contest.Row, other string, payload, callers int, figure func(contest.Row) contest.Spread) float64 {
	var spreads [2]contest.Spread
	for _, row := range rows {
		if row.Stage != (contest.Stage{Workers: 1}) || row.Scenario != (contest.Scenario{Callers: callers, Payload: payload}) {
			continue
		}
		switch row.Peer {
		case own:
			spreads[0] = figure(row)
		case other:
			spreads[1] = figure(row)
		}
	}
	return f.ratio(fmt.Sprintf("%s vs. %s with %d callers", own, other, callers), spreads[0], spreads[1])
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
