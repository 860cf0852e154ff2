package catalog

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

// Admin serves what is loaded and who serves it, for people and programs:
//
//	GET /apis                      all APIs that are loaded or announced
//	GET /apis/{module}/{version}   one of them, with its methods
//
// It tells of everything and asks nobody who they are, so it belongs on a
// listener of its own, on the loopback interface.
func (c *Catalog) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis", c.serveList)
	mux.HandleFunc("GET /apis/{module}/{version}", c.serveOne)
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

func (c *Catalog) serveList(w http.ResponseWriter, r *http.Request) {
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
	writeJSON(w, http.StatusOK, c.list(after, limit))
}

func (c *Catalog) serveOne(w http.ResponseWriter, r *http.Request) {
	key := contract.Key{Module: r.PathValue("module"), Version: r.PathValue("version")}
	if e := c.table.get(key); e != nil {
		if detail, known := e.detail(); known {
			writeJSON(w, http.StatusOK, detail)
			return
		}
	}
	writeProblem(w, http.StatusNotFound, "no API of that name is loaded, and no worker has announced it")
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
