package wire_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/wire"
)

func TestWorkerQueuesDiffer(t *testing.T) {
	if got := wire.WorkerQueue("wxapp", "1.0"); got != "server_wxapp_1.0" {
		t.Errorf("the worker queue is %q, want server_wxapp_1.0", got)
	}
	if err := contract.CheckVersion("b_1"); err == nil {
		t.Error(`version "b_1" is allowed: (a, b_1) and (a_b, 1) would share a queue`)
	}
}

func expectProblem(t *testing.T, err error, problem string) {
	t.Helper()
	switch {
	case problem == "" && err != nil:
		t.Errorf("got error %q, want none", err)
	case problem != "" && err == nil:
		t.Errorf("got no error, want one about %q", problem)
	case problem != "" && !strings.Contains(err.Error(), problem):
		t.Errorf("got error %q, want one about %q", err, problem)
	}
}

func mustHex(t testing.TB, text string) []byte {
	t.Helper()
	body, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
