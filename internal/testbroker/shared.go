package testbroker

import (
	"os"
	"testing"
)

// urlVariable names the shared broker; scripts/services sets it.
const urlVariable = "MQRPC_TEST_AMQP_URL"

// Shared returns the AMQP URL of the broker that all tests of a run share. It
// fails the test when there is none. Tests must not disturb that broker, and
// use names that no other test uses.
func Shared(t testing.TB) string {
	t.Helper()
	url := os.Getenv(urlVariable)
	if url == "" {
		t.Fatalf("%s is not set, so there is no broker to test with: "+
			"run make test, or scripts/services run -- go test -tags services ./...", urlVariable)
	}
	return url
}
