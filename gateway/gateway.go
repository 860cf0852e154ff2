package gateway

import (
	"context"
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/transcode"
)

// The paths that a gateway serves.
const (
	callPath   = "/gateway"
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// Gateway turns HTTP requests into calls. It is safe for concurrent use.
type Gateway struct {
	config   Config
	routes   *routes
	details  *transcode.Message // for the details of errors without a route
	forwards []forward
	inFlight *inFlight
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
		inFlight: newInFlight(config.Limits.InFlight, new(Calls)),
	}
	if g.details, err = newDetails(config.JSON); err != nil {
		return nil, err
	}
	if g.routes, err = newRoutes(config); err != nil {
		return nil, err
	}
	g.handler = g.newHandler()
	return g, nil
}

func (g *Gateway) newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(callPath, g.serveCall)
	mux.HandleFunc(healthPath, g.serveHealth)
	mux.HandleFunc(readyPath, g.serveReady)
	mux.HandleFunc("/", g.serveUnknown)
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == callPath && r.Method == http.MethodPost {
			r.Pattern = callPath // as the mux would do
			g.serveCall(w, r)
			return
		}
		w.Header()["Cache-Control"] = isNotStored
		mux.ServeHTTP(w, r)
	})
	chain := []Middleware{
		beginExchange(g.config.Timeouts.Write),
		identify,
		logAccess(g.config.Logger),
		g.recoverPanics,
	}
	return wrap(served, append(chain, g.config.Middleware...)...)
}

// ServeHTTP handles one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// serveCall answers POST /gateway.
func (g *Gateway) serveCall(w http.ResponseWriter, r *http.Request) {
	memory := takeBuffers()
	response, err := g.call(w, r, memory)
	if err != nil {
		g.WriteError(w, r, err)
	} else {
		writeJSON(w, http.StatusOK, response)
	}
	memory.release() // not after a panic: who knows what it has interrupted
}

// call is the way of a call from end to end, a stage a line. Headers that
// belong to an error are set on w. The response may lie in the buffers.
func (g *Gateway) call(w http.ResponseWriter, r *http.Request, memory *buffers) (response []byte, err error) {
	if r.Method != http.MethodPost {
		return nil, methodNotAllowed(w, r, http.MethodPost)
	}
	if !g.inFlight.enter() {
		return nil, tooManyCalls(w, "in this gateway")
	}
	defer g.inFlight.leave()
	x := exchangeOf(r.Context())
	if x.call, err = g.readCall(w, r, memory); err != nil {
		return nil, err
	}
	ctx, cancel := x.call.within(r.Context())
	defer cancel()
	if x.route, err = g.findRoute(ctx, x.call); err != nil {
		return nil, err
	}
	if !x.route.api.inFlight.enter() {
		return nil, tooManyCalls(w, "to "+x.route.api.String())
	}
	defer x.route.api.inFlight.leave()
	response, err = g.answer(ctx, x.route, x.call, memory)
	if standIn, reason := x.route.standIn(err); standIn != nil {
		x.standIn = reason
		w.Header().Set(DefaultResponseHeader, reason)
		return standIn, nil
	}
	return response, err
}

// answer makes the call, unless the policy forbids it.
func (g *Gateway) answer(ctx context.Context, to *route, call *callRequest, memory *buffers) ([]byte, error) {
	if to.disabled {
		return nil, newError(codes.Unavailable, ReasonDisabled, to.method.String()+" is disabled by its policy")
	}
	if err := encodeRequest(to, call, memory); err != nil {
		return nil, err
	}
	reply, err := g.invoke(ctx, to, call, memory.payload)
	if err != nil {
		return nil, err
	}
	err = encodeReply(to, reply, memory)
	return memory.text, err
}

// serveUnknown answers every path that is not served.
func (g *Gateway) serveUnknown(w http.ResponseWriter, r *http.Request) {
	g.WriteError(w, r, newError(codes.NotFound, ReasonUnknownPath,
		"there is nothing at "+bounded(r.URL.Path)+"; calls go to POST "+callPath))
}
