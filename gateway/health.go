package gateway

import (
	"net/http"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
)

// readiness is the body of /readyz.
type readiness struct {
	Ready bool `json:"ready"`
	// Reason says why not.
	Reason string          `json:"reason,omitempty"`
	Broker brokerReadiness `json:"broker"`
	// Registry is how the registry gets on, if there is one. It has no part in
	// Ready: what has been loaded is served without it.
	Registry *catalog.RegistryHealth `json:"registry,omitempty"`
}

type brokerReadiness struct {
	Connected bool `json:"connected"`
	Blocked   bool `json:"blocked"`
	// Since is when this state began.
	Since *time.Time `json:"since,omitempty"`
}

// Drain makes /readyz answer 503 from now on, so that no new requests are sent
// here. Those that come are still served.
func (g *Gateway) Drain() { g.draining.Store(true) }

// serveHealth answers GET /healthz: the process lives.
func (g *Gateway) serveHealth(w http.ResponseWriter, r *http.Request) {
	if !isGet(r) {
		g.WriteError(w, r, MethodNotAllowed(w, r, "GET, HEAD"))
		return
	}
	notStored(w)
	WriteJSON(w, http.StatusOK, []byte(`{"alive":true}`))
}

// serveReady answers GET /readyz: calls can be made.
func (g *Gateway) serveReady(w http.ResponseWriter, r *http.Request) {
	if !isGet(r) {
		g.WriteError(w, r, MethodNotAllowed(w, r, "GET, HEAD"))
		return
	}
	notStored(w)
	now := g.readiness()
	body, err := encodeJSON(now)
	if err != nil {
		g.WriteError(w, r, err)
		return
	}
	status := http.StatusOK
	if !now.Ready {
		status = http.StatusServiceUnavailable
	}
	WriteJSON(w, status, body)
}

func (g *Gateway) readiness() readiness {
	state := g.config.State()
	now := readiness{Broker: brokerReadiness{Connected: state.Connected, Blocked: state.Blocked}}
	if !state.Since.IsZero() {
		now.Broker.Since = &state.Since
	}
	if g.config.Registry != nil {
		health := g.config.Registry()
		now.Registry = &health
	}
	switch {
	case g.draining.Load():
		now.Reason = "the gateway is stopping"
	case !state.Connected:
		now.Reason = "there is no connection to the broker"
	case state.Blocked:
		now.Reason = "the broker blocks publishers"
	default:
		now.Ready = true
	}
	return now
}

func isGet(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}
