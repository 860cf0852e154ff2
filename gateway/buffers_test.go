package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	stdruntime "runtime"
	"strings"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
)

// TestCallsHaveTheirOwnMemory: while calls of all sizes come and go, each gets
// its own response, and its payload stays what it is until the caller returns.
func TestCallsHaveTheirOwnMemory(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(
		func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
			payload := bytes.Clone(call.Payload)
			for range 3 {
				stdruntime.Gosched() // to other calls
			}
			if !bytes.Equal(payload, call.Payload) {
				t.Error("the payload has changed during the call")
			}
			return &runtime.Reply{Payload: payload}, nil
		})})
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			for i := range 40 {
				size := 1 << (i % 20) // up to more than is kept for the next call
				code := strings.Repeat(fmt.Sprintf("<%d/%d>", caller, i), 1+size/8)
				content := fmt.Sprintf(`{"Code":%q}`, base64.StdEncoding.EncodeToString([]byte(code)))
				w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", content))
				want := fmt.Sprintf(`{"SessionKey":%q}`, base64.StdEncoding.EncodeToString([]byte(code)))
				if w.Code != http.StatusOK || w.Body.String() != want {
					t.Errorf("call %d of caller %d got %d %.100s, want %.100s", i, caller, w.Code, w.Body, want)
					return
				}
				if w := gatewaytest.Post(g, gatewaytest.FormType, "module=wxapp&version=1.0&method=WxappManager.SessionKey&bizContent={"); w.Code != http.StatusBadRequest {
					t.Errorf("malformed JSON got %d %s", w.Code, w.Body)
				}
			}
		})
	}
	callers.Wait()
}
