package zookeeper

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, bad := range []Config{
		{},
		{Servers: []string{"zookeeper://ada:hunter2@localhost:2181"}},
		{Servers: []string{"localhost:2181"}, Username: "ada"},
		{Servers: []string{"localhost:2181"}, Username: "a:da", Password: "x"},
	} {
		_, err := Open(bad)
		if err == nil || !strings.HasPrefix(err.Error(), "zookeeper: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v", bad.Servers, err)
		}
	}
	config, err := Config{Servers: []string{"localhost:2181"}, Root: "x/"}.withDefaults()
	if err != nil || config.Root != "/x" || config.Timeout != DefaultTimeout || len(config.ACL) != 1 {
		t.Errorf("got %+v, %v", config, err)
	}
}
