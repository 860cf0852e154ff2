package etcd

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, bad := range []Config{
		{},
		{Endpoints: []string{"http://ada:hunter2@localhost:2379"}},
		{Endpoints: []string{"localhost:2379"}, Username: "ada"},
	} {
		_, err := Open(bad)
		if err == nil || !strings.HasPrefix(err.Error(), "etcd: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v", bad.Endpoints, err)
		}
	}
	config, err := Config{Endpoints: []string{"localhost:2379"}, Prefix: "/x"}.withDefaults()
	if err != nil || config.Prefix != "/x/" || config.Timeout != DefaultTimeout {
		t.Errorf("got %+v, %v", config, err)
	}
}
