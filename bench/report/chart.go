package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/mqrpc/mqrpc/bench/contest"
)

// The picture's measures.
const (
	chartWidth, chartHeight = 990, 400
	plotTop, plotBottom     = 64.0, 352.0

	ratesLeft, ratesRight = 52.0, 410.0

	costLeft, costRight   = 740.0, 935.0
	costCallers           = 256
	barHeight, barSpacing = 22.0, 42.0

	labelHeight = 15.0
)

// looks is how a peer is drawn.
type looks struct{ colour, stroke string }

var peerLooks = map[string]looks{
	"mqrpc":           {"#2f81f7", `stroke-width="3.5"`},
	"mqrpc-unbatched": {"#2f81f7", `stroke-width="1.5" stroke-dasharray="5 4"`},
	"amqp":            {"#e0702f", `stroke-width="2"`},
	"grpc":            {"#2da44e", `stroke-width="2"`},
	"connect":         {"#a371f7", `stroke-width="2"`},
	"connect-http1":   {"#a371f7", `stroke-width="1.5" stroke-dasharray="5 4"`},
	"nats":            {"#db5b9c", `stroke-width="2"`},
}

// peerTitles are the peers' names for people.
var peerTitles = map[string]string{
	"mqrpc": "mqrpc", "mqrpc-unbatched": "mqrpc, batching off", "amqp": "plain AMQP", "grpc": "grpc-go",
	"connect": "connect-go, HTTP/2", "connect-http1": "connect-go, HTTP/1.1", "nats": "NATS micro",
}

var roleColours = map[contest.Role]string{
	contest.Client: "#1f9e8f", contest.Broker: "#9aa4b0", contest.Server: "#6c7ae0",
}

// chart draws the first group of calls, which has the smallest payload: rates
// by callers, and what a call costs.
func (r *Results) chart() []byte {
	s := &svg{}
	title := "Calls per second, and processor time per call"
	groups := groupsOf(r.Calls)
	if len(groups) == 0 {
		return s.document(chartWidth, chartHeight, title)
	}
	g := groups[0]
	rows := slices.DeleteFunc(slices.Clone(g.rows), func(row contest.Row) bool { return row.Error != "" })
	s.heading(ratesLeft-30, "Calls per second, by callers", g.title()+"; logarithmic")
	s.rates(rows)
	s.heading(costLeft-130, fmt.Sprintf("CPU per call, %d callers", costCallers), "microseconds, all processes")
	s.costs(rows)
	return s.document(chartWidth, chartHeight, title)
}

func (s *svg) heading(x float64, title, subtitle string) {
	s.label(x, 20, "start", `font-size="15" font-weight="600"`, title)
	s.label(x, 38, "start", "", subtitle)
}

// rates draws a line for each peer, on logarithmic axes.
func (s *svg) rates(rows []contest.Row) {
	var callers []int
	least, most := math.Inf(1), 0.0
	for _, row := range rows {
		least, most = min(least, row.Rate.Median), max(most, row.Rate.Median)
		if !slices.Contains(callers, row.Scenario.Callers) {
			callers = append(callers, row.Scenario.Callers)
		}
	}
	slices.Sort(callers)
	across := func(c int) float64 {
		at := slices.Index(callers, c)
		return ratesLeft + (ratesRight-ratesLeft)*float64(at)/math.Max(1, float64(len(callers)-1))
	}
	low, high := math.Log(least/1.3), math.Log(most*1.2)
	up := func(rate float64) float64 {
		return plotBottom - (plotBottom-plotTop)*(math.Log(rate)-low)/(high-low)
	}
	for decade := 1.0; decade <= most; decade *= 10 {
		for _, tick := range []float64{decade, 3 * decade} {
			if y := up(tick); tick >= least/1.3 && y > plotTop-5 {
				s.grid(ratesLeft, y, ratesRight, y)
				s.label(ratesLeft-8, y+4, "end", "", short(tick))
			}
		}
	}
	for _, c := range callers {
		s.label(across(c), plotBottom+20, "middle", "", thousands(float64(c)))
	}
	s.label((ratesLeft+ratesRight)/2, plotBottom+38, "middle", "", "calls under way at any moment")
	s.lines(rows, func(row contest.Row) (x, y float64) { return across(row.Scenario.Callers), up(row.Rate.Median) })
}

// lines draws the peers' lines and, at their right ends, the peers' names.
func (s *svg) lines(rows []contest.Row, at func(contest.Row) (x, y float64)) {
	type end struct {
		peer string
		y    float64
	}
	var ends []end
	for _, peer := range slices.Backward(peersIn(rows)) { // the first is on top
		look := peerLooks[peer]
		points, last := "", 0.0
		for _, row := range rows {
			if row.Peer != peer {
				continue
			}
			x, y := at(row)
			points += fmt.Sprintf("%.1f,%.1f ", x, y)
			s.add(`<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x, y, look.colour)
			last = y
		}
		s.add(`<polyline points="%s" fill="none" stroke="%s" %s stroke-linejoin="round"/>`, points, look.colour, look.stroke)
		ends = append(ends, end{peer, last})
	}
	slices.SortFunc(ends, func(a, b end) int { return int(math.Copysign(1, a.y-b.y)) })
	floor := math.Inf(-1) // names that would overlap move down
	for _, e := range ends {
		y := math.Max(e.y, floor)
		floor = y + labelHeight
		s.label(ratesRight+10, y+4, "start", bold(e.peer), peerTitles[e.peer])
	}
}

// costs draws a bar for each peer, of its processes' shares.
func (s *svg) costs(rows []contest.Row) {
	roles := []contest.Role{contest.Client, contest.Broker, contest.Server}
	costs := slices.DeleteFunc(slices.Clone(rows), func(row contest.Row) bool { return row.Scenario.Callers != costCallers })
	most := 0.0
	for _, row := range costs {
		most = max(most, cost(row, roles))
	}
	for i, row := range costs {
		y := plotTop + barSpacing*float64(i)
		s.label(costLeft-10, y+barHeight/2+4, "end", bold(row.Peer), peerTitles[row.Peer])
		x := costLeft
		for _, role := range roles {
			width := (costRight - costLeft) * row.CPU[role].Median / most
			s.bar(x, y, width, barHeight, roleColours[role])
			x += width
		}
		s.label(x+8, y+barHeight/2+4, "start", "", decimal(cost(row, roles)))
	}
	x := costLeft
	for _, role := range roles {
		s.bar(x, plotBottom+10, 10, 10, roleColours[role])
		s.label(x+15, plotBottom+20, "start", "", string(role))
		x += 70
	}
}

// bold is the style of a peer's name.
func bold(peer string) string { return `font-weight="600" fill="` + peerLooks[peer].colour + `"` }

func cost(row contest.Row, roles []contest.Role) (sum float64) {
	for _, role := range roles {
		sum += row.CPU[role].Median
	}
	return sum
}

// peersIn are the peers of rows, in their order, without repeats.
func peersIn(rows []contest.Row) []string {
	var peers []string
	for _, row := range rows {
		if !slices.Contains(peers, row.Peer) {
			peers = append(peers, row.Peer)
		}
	}
	return peers
}

// short is such as "30k".
func short(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%gk", value/1000)
	}
	return fmt.Sprintf("%g", value)
}
