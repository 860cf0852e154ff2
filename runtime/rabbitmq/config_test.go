package rabbitmq

import (
	"strings"
	"testing"
	"time"
)

func TestBadURLsAreToldWithoutPasswords(t *testing.T) {
	for name, tc := range map[string]struct {
		urls []string
		want string
	}{
		"none":          {nil, "no URLs are configured"},
		"other scheme":  {[]string{"amqp://localhost", "http://u:hunter2@localhost"}, "URL 2 of 2 is not a valid AMQP URL"},
		"broken escape": {[]string{"amqp://u:hunter2@local%zz"}, "URL 1 of 1"},
		"bad port":      {[]string{"amqp://u:hunter2@localhost:port"}, "URL 1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(Config{URLs: tc.urls})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want an error about %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestAddressesAreReadable(t *testing.T) {
	addresses, err := parseAddresses([]string{"amqps://u:hunter2@broker.example/team/a", "amqp://[::1]:1234"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"broker.example:5671/team%2Fa", "[::1]:1234/%2F"} {
		if got := addresses[i].readable; got != want {
			t.Errorf("address %d reads %q, want %q", i, got, want)
		}
	}
}

func TestBackoffStaysBelowItsBound(t *testing.T) {
	b := newBackoff(500 * time.Millisecond)
	for range 1000 {
		if wait := b.NextBackOff(); wait <= 0 || wait > 500*time.Millisecond {
			t.Fatalf("a wait of %v", wait)
		}
	}
}
