package cli

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestDemoOnce(t *testing.T) {
	p := start(t, nil, "demo", "--once", "--listen", "127.0.0.1:0")
	p.wait(t, exitOK)
	got := p.out.String()
	for _, want := range []string{
		"-H 'content-type: application/x-www-form-urlencoded' \\\n" +
			"  -d 'module=wxapp&version=1.0&method=WxappManager.SessionKey&bizContent=%7B%22Code%22%3A%22d3JmZGZkc2Y%3D%22%7D'\n",
		"HTTP/1.1 200 OK\n" + demoAnswer + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestDemoStaysUp(t *testing.T) {
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0")
	after := await(t, &p.out, "The gateway stays up on ")
	address, _, _ := strings.Cut(after, ";")
	await(t, &p.out, address+"/readyz\n")
	checkHints(t, address)
	p.stop()
	p.wait(t, exitOK)
}

// checkHints makes the calls that the demo hints at.
func checkHints(t *testing.T, address string) {
	t.Helper()
	for _, test := range []struct {
		call         demoCall
		status, body string
	}{
		{newDemoCall("1.1", "WxappManager.SessionKey", demoContent), "200 OK", `"OpenId":"oM_4UwA6fpHv3AVsTkxzwjQ"`},
		{newDemoCall("1.0", "WxappManager.Nothing", demoContent), "404 Not Found", "unknown method"},
		{newDemoCall("1.0", "WxappManager.SessionKey", `{"Code":`), "400 Bad Request", "(line 1:9): unexpected end"},
	} {
		status, body, err := test.call.send(t.Context(), address)
		if err != nil || !strings.HasSuffix(status, test.status) || !strings.Contains(body, test.body) {
			t.Errorf("%s: got %s %s, %v", test.call.form, status, body, err)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %s", response.Status)
	}
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, command := range []string{"demo", "gateway"} {
		p := start(t, nil, command, "--listen", taken.Addr().String())
		p.wait(t, exitFailure)
		if got := p.err.String(); !strings.Contains(got, "is in use by another program") || !strings.Contains(got, "--listen :8090") {
			t.Errorf("%s wrote %q", command, got)
		}
	}
}
