package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
)

// running is a gateway on a real listener.
type running struct {
	address string
	stop    context.CancelFunc
	done    chan error
}

// serve starts a gateway, which ends with the test.
func serve(t *testing.T, g *gateway.Gateway, config gateway.ServerConfig) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{address: listener.Addr().String(), stop: stop, done: make(chan error, 1)}
	go func() { r.done <- g.Serve(ctx, listener, config); close(r.done) }()
	t.Cleanup(func() {
		stop()
		for range r.done {
		}
	})
	return r
}

// dial opens a connection on which nothing waits for ever.
func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return connection
}

// post sends the curl command's request without keeping the connection.
func (r *running) post(t *testing.T) (int, string) {
	t.Helper()
	connection := r.dial(t)
	if _, err := fmt.Fprintf(connection, "POST /gateway HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", gatewaytest.FormType, len(gatewaytest.SessionKey), gatewaytest.SessionKey); err != nil {
		t.Fatal(err)
	}
	return readResponse(t, bufio.NewReader(connection))
}

func readResponse(t *testing.T, reader *bufio.Reader) (int, string) {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServe(t *testing.T) {
	server := serve(t, gatewaytest.New(t, gateway.Config{}), gateway.ServerConfig{})
	if status, body := server.post(t); status != 200 || body != gatewaytest.SessionKeyAnswer {
		t.Errorf("got %d %s", status, body)
	}
	server.stop()
	if err := <-server.done; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if connection, err := net.Dial("tcp", server.address); err == nil {
		connection.Close()
		t.Error("the listener is still open")
	}
}

func TestServeRefuses(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	for _, config := range []gateway.ServerConfig{{StopTimeout: -1}, {DrainTime: -1}, {MaxHeaderBytes: -1}} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Serve(t.Context(), listener, config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := g.Serve(t.Context(), listener, gateway.ServerConfig{}); err == nil {
		t.Error("a closed listener is accepted")
	}
}

func TestSlowHeaders(t *testing.T) {
	server := serve(t, gatewaytest.New(t, gateway.Config{}), gateway.ServerConfig{HeaderTimeout: 50 * time.Millisecond})
	connection := server.dial(t)
	if _, err := io.WriteString(connection, "POST /gateway HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(connection); err != nil { // It ends when the server hangs up.
		t.Errorf("the server has not hung up: %v", err)
	}
}

func TestSlowBody(t *testing.T) {
	server := serve(t, gatewaytest.New(t, gateway.Config{Timeouts: gateway.Timeouts{Body: 50 * time.Millisecond}}), gateway.ServerConfig{})
	connection := server.dial(t)
	if _, err := fmt.Fprintf(connection, "POST /gateway HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\nmodule=", gatewaytest.FormType); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	if status, body := readResponse(t, reader); status != http.StatusRequestTimeout || !strings.Contains(body, gateway.ReasonBodyTimeout) {
		t.Errorf("got %d %s", status, body)
	}
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("the server has not hung up: %v", err)
	}
}

// TestSlowBodyThatNobodyReads: the request is refused before its body is read.
func TestSlowBodyThatNobodyReads(t *testing.T) {
	server := serve(t, gatewaytest.New(t, gateway.Config{Timeouts: gateway.Timeouts{Body: 50 * time.Millisecond}}), gateway.ServerConfig{HeaderTimeout: 50 * time.Millisecond})
	connection := server.dial(t)
	if _, err := io.WriteString(connection, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	if status, body := readResponse(t, reader); status != http.StatusNotFound {
		t.Errorf("got %d %s", status, body)
	}
	if _, err := io.ReadAll(reader); err != nil {
		t.Errorf("the server has not hung up: %v", err)
	}
}

// TestCallLongerThanTheBodyMayTake: the body's deadline ends with the body.
func TestCallLongerThanTheBodyMayTake(t *testing.T) {
	const body = 100 * time.Millisecond
	g := gatewaytest.New(t, gateway.Config{
		Timeouts: gateway.Timeouts{Body: body, Write: body},
		Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(3 * body):
				return gatewaytest.Echo(ctx, call)
			}
		}),
	})
	server := serve(t, g, gateway.ServerConfig{HeaderTimeout: body / 2})
	connection := server.dial(t)
	reader := bufio.NewReader(connection)
	for range 2 { // The second finds the first one's deadlines on the connection.
		if _, err := fmt.Fprintf(connection, "POST /gateway HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", gatewaytest.FormType, len(gatewaytest.SessionKey), gatewaytest.SessionKey); err != nil {
			t.Fatal(err)
		}
		if status, body := readResponse(t, reader); status != 200 {
			t.Errorf("got %d %s", status, body)
		}
	}
}

// TestClientThatDoesNotReceive: the response is bigger than the buffers between.
func TestClientThatDoesNotReceive(t *testing.T) {
	ended := make(chan struct{})
	big := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			defer close(ended)
			chunk := make([]byte, 1<<20)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
	}
	g := gatewaytest.New(t, gateway.Config{Timeouts: gateway.Timeouts{Write: 50 * time.Millisecond}, Middleware: []gateway.Middleware{big}})
	server := serve(t, g, gateway.ServerConfig{})
	connection := server.dial(t)
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the server still writes")
	}
}

func TestLargeHeaders(t *testing.T) {
	server := serve(t, gatewaytest.New(t, gateway.Config{}), gateway.ServerConfig{MaxHeaderBytes: 1000})
	connection := server.dial(t)
	if _, err := fmt.Fprintf(connection, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 10_000)); err != nil {
		t.Fatal(err)
	}
	if status, body := readResponse(t, bufio.NewReader(connection)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d %s", status, body)
	}
}

// TestGracefulStop: readiness turns first, the call under way gets its answer.
func TestGracefulStop(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		close(started)
		<-release
		return gatewaytest.Echo(ctx, call)
	})})
	server := serve(t, g, gateway.ServerConfig{})
	type answer struct {
		status int
		body   string
	}
	answers := make(chan answer, 1)
	go func() {
		status, body := server.post(t)
		answers <- answer{status, body}
	}()
	<-started
	server.stop()
	gatewaytest.Await(t, "readiness to end", func() bool { return gatewaytest.Get(g, "/readyz").Code == 503 })
	gatewaytest.Await(t, "the listener to close", func() bool {
		connection, err := net.Dial("tcp", server.address)
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	select {
	case err := <-server.done:
		t.Fatalf("the server stopped with a call under way: %v", err)
	default:
	}
	close(release)
	if got := <-answers; got.status != 200 {
		t.Errorf("the call under way: %+v", got)
	}
	if err := <-server.done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// TestDrainTime: requests are served between the end of readiness and the stop.
func TestDrainTime(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	server := serve(t, g, gateway.ServerConfig{DrainTime: 300 * time.Millisecond})
	server.stop()
	gatewaytest.Await(t, "readiness to end", func() bool { return gatewaytest.Get(g, "/readyz").Code == 503 })
	if status, body := server.post(t); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
	if err := <-server.done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestStopTimeout(t *testing.T) {
	started := make(chan struct{}, 1)
	server := serve(t, gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Waiting(started)}), gateway.ServerConfig{StopTimeout: 20 * time.Millisecond})
	connection := server.dial(t)
	if _, err := fmt.Fprintf(connection, "POST /gateway HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", gatewaytest.FormType, len(gatewaytest.SessionKey), gatewaytest.SessionKey); err != nil {
		t.Fatal(err)
	}
	<-started
	server.stop()
	if err := <-server.done; err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("stopped with %v", err)
	}
}

// TestSlowBodyOfAnImpatientCaller: the body has no longer than the caller waits.
func TestSlowBodyOfAnImpatientCaller(t *testing.T) {
	server := serve(t, gatewaytest.New(t, gateway.Config{}), gateway.ServerConfig{})
	connection := server.dial(t)
	if _, err := fmt.Fprintf(connection, "POST /gateway HTTP/1.1\r\nHost: x\r\n%s: 50ms\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\nmodule=",
		form.TimeoutHeader, gatewaytest.FormType); err != nil {
		t.Fatal(err)
	}
	if status, body := readResponse(t, bufio.NewReader(connection)); status != http.StatusGatewayTimeout {
		t.Errorf("got %d %s", status, body)
	}
}
