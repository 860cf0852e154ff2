package wire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/wire"
)

const namesFile = "testdata/names.json"

// nameVector is one entry of names.json; testdata/README.md describes its fields.
type nameVector struct {
	Kind      string `json:"kind"`
	Module    string `json:"module,omitempty"`
	Version   string `json:"version,omitempty"`
	Client    string `json:"client,omitempty"`
	Instance  string `json:"instance,omitempty"`
	ID        string `json:"id,omitempty"`
	Result    string `json:"result,omitempty"`
	Malformed bool   `json:"malformed,omitempty"`
}

// nameKinds are the names that implementations make of others.
var nameKinds = map[string]func(v *nameVector) string{
	"worker_queue":      func(v *nameVector) string { return wire.WorkerQueue(v.Module, v.Version) },
	"reply_queue":       func(v *nameVector) string { return wire.ReplyQueue(v.Client) },
	"instance_queue":    func(v *nameVector) string { return wire.InstanceQueue(v.Instance) },
	"listener_queue":    func(v *nameVector) string { return wire.ListenerQueue(v.Client) },
	"api_key":           func(v *nameVector) string { return wire.APIKey(v.Module, v.Version) },
	"module_key":        func(v *nameVector) string { return wire.ModuleKey(v.Module) },
	"reply_key":         func(v *nameVector) string { return wire.ReplyKey(v.Client, v.Module, v.Version) },
	"reply_pattern":     func(v *nameVector) string { return wire.ReplyPattern(v.Client) },
	"control_key":       func(v *nameVector) string { return wire.ControlKey(v.Module, v.Version, v.Instance) },
	"all_instances_key": func(v *nameVector) string { return wire.AllInstancesKey(v.Module, v.Version) },
	"discover_all_key":  func(*nameVector) string { return wire.DiscoverAllKey },
	"digest": func(v *nameVector) string {
		id, _ := strconv.ParseUint(v.ID, 16, 64)
		return strconv.FormatUint(wire.Digest(v.Client, id), 16)
	},
}

func nameVectors() []nameVector {
	const (
		client   = "shop-k3v9x1m2p8qd5t7w"
		instance = "wxapp-0a1b2c3d4e5f6g7h"
	)
	module, version := strings.Repeat("m", contract.MaxModuleBytes), strings.Repeat("1.", 24)+"10"
	longest := strings.Repeat("c", wire.MaxWordBytes)
	vectors := []nameVector{
		{Kind: "worker_queue", Module: "wxapp", Version: "1.0"},
		{Kind: "worker_queue", Module: "wx_app-2", Version: "2026-11.beta.1"},
		{Kind: "reply_queue", Client: client},
		{Kind: "instance_queue", Instance: instance},
		{Kind: "listener_queue", Client: client},
		{Kind: "api_key", Module: "wxapp", Version: "1.0"},
		{Kind: "api_key", Module: "wx_app-2", Version: "2026-11.beta.1"},
		{Kind: "module_key", Module: "wxapp"},
		{Kind: "reply_key", Client: client, Module: "wxapp", Version: "1.0"},
		{Kind: "reply_key", Client: longest, Module: module, Version: version},
		{Kind: "reply_pattern", Client: client},
		{Kind: "control_key", Module: "wxapp", Version: "1.0", Instance: instance},
		{Kind: "control_key", Module: module, Version: version, Instance: longest},
		{Kind: "all_instances_key", Module: "wxapp", Version: "1.0"},
		{Kind: "discover_all_key"},
		{Kind: "digest", Client: client, ID: "1"},
		{Kind: "digest", Client: client, ID: "ffffffffffffffff"},
		{Kind: "digest", Client: longest, ID: "8000000000000001"},
	}
	for i := range vectors {
		vectors[i].Result = nameKinds[vectors[i].Kind](&vectors[i])
	}
	for _, word := range []string{client, "c", longest, "A-9"} {
		vectors = append(vectors, nameVector{Kind: "client", Client: word})
	}
	for _, word := range []string{"", "all", "mqrpc", longest + "c", "a.b", "a_b", "a b", "é", "#", "*"} {
		vectors = append(vectors, nameVector{Kind: "client", Client: word, Malformed: true})
	}
	return vectors
}

// TestNameVectors: names.json is what the functions give, and AMQP can carry
// every name in it.
func TestNameVectors(t *testing.T) {
	want, err := json.MarshalIndent(nameVectors(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(namesFile, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(namesFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the functions give: run go test ./wire -update", namesFile)
	}
	for _, v := range nameVectors() {
		if len(v.Result) > 255 {
			t.Errorf("%s %q has %d bytes, more than AMQP's 255", v.Kind, v.Result, len(v.Result))
		}
		if v.Kind == "client" && (wire.CheckWord(v.Client) != nil) != v.Malformed {
			t.Errorf("CheckWord(%q) = %v; malformed is %v", v.Client, wire.CheckWord(v.Client), v.Malformed)
		}
	}
}

func TestDigestHidesTheIDAndDependsOnTheClient(t *testing.T) {
	if a, b := wire.Digest("a", 1), wire.Digest("b", 1); a == b {
		t.Error("two clients' calls of one id have one digest")
	}
	// A client's name that ends where another one's id begins is another text.
	if a, b := wire.Digest("client", 2), wire.Digest("clien", 2); a == b {
		t.Error("two names of different lengths have one digest")
	}
}

func TestAnsweredAPI(t *testing.T) {
	for key, want := range map[string]string{
		"c-1.wxapp.1_0":     "wxapp.1_0",
		"c-1.wxapp.1_0.x":   "",
		"c-1.wxapp":         "",
		"c-2.wxapp.1_0":     "",
		"c-1":               "",
		"c-12.wxapp.1_0":    "",
		"":                  "",
		"other.c-1.wxapp.1": "",
	} {
		got, err := wire.AnsweredAPI(key, "c-1")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("AnsweredAPI(%q) = %q, %v; want %q", key, got, err, want)
		}
	}
}
