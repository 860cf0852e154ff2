package gateway

import (
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/transcode"
)

// The paths that every gateway serves.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// Gateway turns HTTP requests into calls. It is safe for concurrent use.
type Gateway struct {
	config   Config
	routes   *routes
	details  *transcode.Message // for the details of errors without a route
	forwards []forward
	inFlight catalog.Calls
	bytes    budget
	draining atomic.Bool
	handler  http.Handler
}

// New returns a gateway. It fails when the configuration is invalid, and when a
// static source's services are.
func New(config Config) (*Gateway, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		config:   config,
		forwards: newForwards(config.ForwardHeaders),
		bytes:    budget{limit: config.Limits.InFlightBytes},
	}
	types, err := transcode.NewTypes(config.JSON)
	if err != nil {
		return nil, err
	}
	if g.details, err = newDetails(types); err != nil {
		return nil, err
	}
	filters, err := sortFilters(config.Filters)
	if err != nil {
		return nil, err
	}
	g.routes = &routes{
		sources: config.Sources, json: config.JSON, timeout: config.Timeouts.Call,
		filters: filters, call: g.call,
	}
	if err := g.routes.makeKnown(); err != nil {
		return nil, err
	}
	g.handler = g.newHandler()
	return g, nil
}

func (g *Gateway) newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(healthPath, g.serveHealth)
	mux.HandleFunc(readyPath, g.serveReady)
	mux.HandleFunc("/", g.serveUnknown)
	for _, front := range g.config.Fronts {
		front.Register(mux, g)
	}
	chain := []Middleware{
		beginExchange(g.config.Timeouts.Write),
		identify,
		logAccess(g.config.Logger),
		g.recoverPanics,
	}
	return wrap(mux, append(chain, g.config.Middleware...)...)
}

// ServeHTTP handles one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// serveUnknown answers every path that is not served.
func (g *Gateway) serveUnknown(w http.ResponseWriter, r *http.Request) {
	notStored(w)
	g.WriteError(w, r, NewError(codes.NotFound, ReasonUnknownPath, "there is nothing at "+Quote(r.URL.Path)))
}
