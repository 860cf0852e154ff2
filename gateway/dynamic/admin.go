package dynamic

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/mqrpc/mqrpc/contract"
)

// The page size of GET /apis.
const (
	defaultPage = 1000
	maxPage     = 10_000
)

func (a *APIs) newAdmin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis", a.serveList)
	mux.HandleFunc("GET /apis/{module}/{version}", a.serveOne)
	return mux
}

// APIList is the body of GET /apis: a page of the APIs that are loaded or that a
// worker has announced, in the order of module and version. The query parameter
// after, of the form module/version, gives the page after that API; limit is
// the greatest number in a page: 1,000 by default, at most 10,000.
type APIList struct {
	APIs []APISummary `json:"apis"`
	// Next is the parameter after of the next page. Empty: this is the last.
	Next string `json:"next,omitempty"`
}

func (a *APIs) serveList(w http.ResponseWriter, r *http.Request) {
	var after contract.Key
	var err error
	query := r.URL.Query()
	if text := query.Get("after"); text != "" {
		if after, err = contract.ParseKey(text); err != nil {
			writeProblem(w, http.StatusBadRequest, "after: "+err.Error())
			return
		}
	}
	limit := defaultPage
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			writeProblem(w, http.StatusBadRequest, "limit must be a number from 1 to "+strconv.Itoa(maxPage))
			return
		}
	}
	writeJSON(w, http.StatusOK, a.list(after, limit))
}

func (a *APIs) serveOne(w http.ResponseWriter, r *http.Request) {
	key := contract.Key{Module: r.PathValue("module"), Version: r.PathValue("version")}
	detail, there := a.detail(key)
	if !there {
		writeProblem(w, http.StatusNotFound, "no API of that name is loaded, and no worker has announced it")
		return
	}
	writeJSON(w, http.StatusOK, detail)
}

// problem is the body of an error.
type problem struct {
	Error string `json:"error"`
}

func writeProblem(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, problem{Error: text})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
