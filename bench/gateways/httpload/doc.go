// Package httpload loads an HTTP server with one request, over and over, and
// costs little itself: one thread, prepared bytes, connections that are kept,
// and of each response only its status, its length and its body are looked at.
//
// Each connection has one request under way at a time, so the number of
// connections is the number of callers. Every answer is checked.
//
//   - load.go: the loop over the connections that are ready
//   - conn.go: one connection: a request out, a response in
//   - response.go: where a response ends
package httpload
