package cli

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestGatewayWithoutBroker: it starts, says that it is not ready, and answers
// calls with 503.
func TestGatewayWithoutBroker(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "amqp://guest:s3cret@" + nobody.Addr().String() + "/"
	_ = nobody.Close()
	p := start(t, []string{"MQRPC_AMQP_URL=" + url}, "gateway", "--listen", "127.0.0.1:0", "--admin-listen", "", "--log-format", "json")
	address, _, _ := strings.Cut(await(t, &p.err, `"msg":"the gateway listens","address":"`), `"`)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "no connection to the broker") {
		t.Errorf("/readyz: %s %s, %v", response.Status, body, err)
	}
	status, text, err := newDemoCall("1.0", "WxappManager.SessionKey", demoContent).send(t.Context(), address)
	if err != nil || !strings.Contains(status, "503") {
		t.Errorf("a call: %s %s, %v", status, text, err)
	}
	p.stop()
	p.wait(t, exitOK)
	if strings.Contains(p.err.String(), "s3cret") {
		t.Errorf("a password is in the log: %s", p.err.String())
	}
}
