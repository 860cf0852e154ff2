package cli

import (
	"runtime/debug"
	"testing"
)

func TestVersionText(t *testing.T) {
	build := &debug.BuildInfo{
		GoVersion: "go1.30",
		Main:      debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
			{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "amd64"},
		},
	}
	if got, want := versionText(build, true), "mqrpc v1.2.3 0123456789ab+changes go1.30 linux/amd64"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := versionText(nil, false), "mqrpc (unknown version)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
