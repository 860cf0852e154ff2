package contract_test

import (
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
)

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		check   func(string) error
		name    string
		problem string
	}{
		{contract.CheckModule, "wxapp", ""},
		{contract.CheckModule, "A-b_9", ""},
		{contract.CheckModule, strings.Repeat("m", 100), ""},
		{contract.CheckModule, strings.Repeat("m", 101), "101 bytes"},
		{contract.CheckModule, "", "missing"},
		{contract.CheckModule, "9lives", "begin with a letter"},
		{contract.CheckModule, "a.b", "invalid"},
		{contract.CheckModule, "a*", "invalid"},
		{contract.CheckModule, "a#", "invalid"},
		{contract.CheckModule, "wäxapp", "invalid"},
		{contract.CheckModule, "a\n", "invalid"},
		{contract.CheckModule, "mqrpc", "reserved"},
		{contract.CheckModule, "all", "reserved"},
		{contract.CheckModule, "all-x", ""},
		{contract.CheckVersion, "all", "reserved"},
		{contract.CheckVersion, "1", ""},
		{contract.CheckVersion, "1.0", ""},
		{contract.CheckVersion, "2026-11.rc-1", ""},
		{contract.CheckVersion, "", "missing"},
		{contract.CheckVersion, "1..0", "single dots"},
		{contract.CheckVersion, ".1", "invalid"},
		{contract.CheckVersion, "1.", "invalid"},
		{contract.CheckVersion, "1_0", "invalid"},
		{contract.CheckVersion, "*", "invalid"},
		{contract.CheckVersion, strings.Repeat("1", 51), "51 bytes"},
		{contract.CheckMethod, "WxappManager.SessionKey", ""},
		{contract.CheckMethod, "_A1.b_2", ""},
		{contract.CheckMethod, "", "missing"},
		{contract.CheckMethod, "SessionKey", "Service.Method"},
		{contract.CheckMethod, "a.b.c", "Service.Method"},
		{contract.CheckMethod, ".b", "Service.Method"},
		{contract.CheckMethod, "a.", "Service.Method"},
		{contract.CheckMethod, "a.9", "Service.Method"},
		{contract.CheckMethod, "a b.c", "Service.Method"},
		{contract.CheckMethod, "a." + strings.Repeat("b", 254), "256 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) { expectProblem(t, tc.check(tc.name), tc.problem) })
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
