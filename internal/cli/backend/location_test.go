package backend

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"none":                                     "none",
		"sqlite:/var/lib/mqrpc.db":                 "sqlite:/var/lib/mqrpc.db",
		"sqlite:///var/lib/mqrpc.db":               "sqlite:/var/lib/mqrpc.db",
		"sqlite:registry.db":                       "sqlite:registry.db",
		"postgres://me:s3cret@host:5432/mqrpc":     "postgres://me:***@host:5432/mqrpc",
		"postgresql://me@host/mqrpc":               "postgresql://me@host/mqrpc",
		"postgres:///db?host=/run&password=s3cret": "postgres:///db",
		"zookeeper://a:2181,b:2181/root/below":     "zookeeper://a:2181,b:2181/root/below",
		"zookeeper://me:s3cret@a:2181":             "zookeeper://me:***@a:2181",
		"etcd://a:2379,b:2379":                     "etcd://a:2379,b:2379",
		"etcds://me:s3%40cret@a:2379/prefix":       "etcds://me:***@a:2379/prefix",
	} {
		location, err := Parse(text)
		if err != nil || location.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, location, err, want)
		}
	}
	location, err := Parse("etcds://me:s3%40cret@a:2379/prefix")
	if err != nil || location.username != "me" || location.password != "s3@cret" || location.path != "/prefix" {
		t.Errorf("got %+v, %v", location, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "the registry is missing",
		"/var/lib/mqrpc.db":          "has no scheme",
		"mysql://me:s3cret@host/db":  `scheme "mysql" is unknown`,
		"sqlite:":                    "write sqlite:PATH",
		"postgres://me:s3cret@ho st": "the registry's URL is malformed",
		"postgres://":                "the registry's URL is malformed",
		"zookeeper:":                 "servers are missing",
		"etcd://a:2379,,b:2379":      "servers are missing",
		"etcd://me:s3cret%zz@a:2379": "special characters percent-encoded",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestNotify(t *testing.T) {
	for _, test := range []struct{ notify, registry, want string }{
		{"auto", "sqlite:x", "broadcast"},
		{"auto", "postgres://h/d", "broadcast"},
		{"auto", "zookeeper://h:1", "watch"},
		{"auto", "etcd://h:1", "watch"},
		{"auto", "none", "poll"},
		{"poll", "etcd://h:1", "poll"},
		{"broadcast", "etcd://h:1", "broadcast"},
		{"broadcast", "none", "poll"},
		{"watch", "etcds://h:1", "watch"},
	} {
		notify, err := ParseNotify(test.notify)
		if err != nil {
			t.Fatal(err)
		}
		location, err := Parse(test.registry)
		if err != nil {
			t.Fatal(err)
		}
		if way, err := notify.For(location); err != nil || string(way) != test.want {
			t.Errorf("%s at %s: got %s, %v, want %s", test.notify, test.registry, way, err, test.want)
		}
	}
	if _, err := ParseNotify("shout"); err == nil || !strings.Contains(err.Error(), "auto, poll, broadcast, watch") {
		t.Errorf("got %v", err)
	}
	location, _ := Parse("sqlite:x")
	if _, err := Watch.For(location); err == nil || !strings.Contains(err.Error(), "use broadcast or poll") {
		t.Errorf("got %v", err)
	}
}
