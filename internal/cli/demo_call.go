package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// demoContent is the request of the first call, as JSON.
	demoContent = `{"Code":"d3JmZGZkc2Y="}`
	// demoAnswer is the right answer to it.
	demoAnswer = `{"SessionKey":"WWFZPria9EKhZUiOtJ+WSA=="}`
)

// formType is the content type of the demo's calls.
const formType = "application/x-www-form-urlencoded"

// demoCall is a call over HTTP.
type demoCall struct{ form string }

func newDemoCall(version, method, content string) demoCall {
	// Not url.Values, which sorts: the order of the documentation reads better.
	return demoCall{"module=wxapp&version=" + version + "&method=" + method + "&bizContent=" + url.QueryEscape(content)}
}

// curl is the command that makes the call.
func (c demoCall) curl(address string) string {
	return fmt.Sprintf("curl -X POST %s/gateway \\\n  -H 'content-type: %s' \\\n  -d '%s'\n", address, formType, c.form)
}

// send makes the call.
func (c demoCall) send(ctx context.Context, address string) (status, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/gateway", strings.NewReader(c.form))
	if err != nil {
		return "", "", err
	}
	request.Header.Set("Content-Type", formType)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.Proto + " " + response.Status, string(text), err
}

// firstCall makes the documentation's call, shows it, and checks the answer.
func firstCall(ctx context.Context, out io.Writer, address string) error {
	call := newDemoCall("1.0", "WxappManager.SessionKey", demoContent)
	_, _ = fmt.Fprintf(out, "Request:\n\n%s\n", call.curl(address))
	status, body, err := call.send(ctx, address)
	if err != nil {
		return fmt.Errorf("the first call failed: %w", err)
	}
	_, _ = fmt.Fprintf(out, "Answer:\n\n%s\n%s\n", status, body)
	if body != demoAnswer {
		return fmt.Errorf("the answer is wrong: it should be %s", demoAnswer)
	}
	return nil
}
