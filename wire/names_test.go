package wire_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/wire"
)

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		check   func(string) error
		name    string
		problem string
	}{
		{wire.CheckModule, "wxapp", ""},
		{wire.CheckModule, "A-b_9", ""},
		{wire.CheckModule, strings.Repeat("m", 100), ""},
		{wire.CheckModule, strings.Repeat("m", 101), "101 bytes"},
		{wire.CheckModule, "", "missing"},
		{wire.CheckModule, "9lives", "begin with a letter"},
		{wire.CheckModule, "a.b", "invalid"},
		{wire.CheckModule, "a*", "invalid"},
		{wire.CheckModule, "a#", "invalid"},
		{wire.CheckModule, "wäxapp", "invalid"},
		{wire.CheckModule, "a\n", "invalid"},
		{wire.CheckVersion, "1", ""},
		{wire.CheckVersion, "1.0", ""},
		{wire.CheckVersion, "2026-11.rc-1", ""},
		{wire.CheckVersion, "", "missing"},
		{wire.CheckVersion, "1..0", "single dots"},
		{wire.CheckVersion, ".1", "invalid"},
		{wire.CheckVersion, "1.", "invalid"},
		{wire.CheckVersion, "1_0", "invalid"},
		{wire.CheckVersion, "*", "invalid"},
		{wire.CheckVersion, strings.Repeat("1", 51), "51 bytes"},
		{wire.CheckMethod, "WxappManager.SessionKey", ""},
		{wire.CheckMethod, "_A1.b_2", ""},
		{wire.CheckMethod, "", "missing"},
		{wire.CheckMethod, "SessionKey", "Service.Method"},
		{wire.CheckMethod, "a.b.c", "Service.Method"},
		{wire.CheckMethod, ".b", "Service.Method"},
		{wire.CheckMethod, "a.", "Service.Method"},
		{wire.CheckMethod, "a.9", "Service.Method"},
		{wire.CheckMethod, "a b.c", "Service.Method"},
		{wire.CheckMethod, "a." + strings.Repeat("b", 254), "256 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) { expectProblem(t, tc.check(tc.name), tc.problem) })
	}
}

func TestWorkerQueuesDiffer(t *testing.T) {
	if got := wire.WorkerQueue("wxapp", "1.0"); got != "server_wxapp_1.0" {
		t.Errorf("the worker queue is %q, want server_wxapp_1.0", got)
	}
	if err := wire.CheckVersion("b_1"); err == nil {
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
