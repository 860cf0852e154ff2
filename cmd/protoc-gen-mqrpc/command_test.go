package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// runCommand runs the plugin as a process would be run.
func runCommand(stdin io.Reader, args ...string) (status int, stdout, stderr string) {
	var out, errors bytes.Buffer
	status = command{stdin: stdin, stdout: &out, stderr: &errors}.run(args)
	return status, out.String(), errors.String()
}

func TestCommandArguments(t *testing.T) {
	tests := []struct {
		name       string
		args       []string
		status     int
		wantStdout string
		wantStderr string
	}{
		{name: "version", args: []string{"--version"}, wantStdout: "protoc-gen-mqrpc "},
		{name: "version with one dash", args: []string{"-version"}, wantStdout: "protoc-gen-mqrpc "},
		{name: "help", args: []string{"--help"}, wantStdout: "--mqrpc_out="},
		{name: "unknown", args: []string{"x.proto"}, status: exitUsage, wantStderr: `unknown argument "x.proto"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := runCommand(strings.NewReader(""), test.args...)
			if status != test.status {
				t.Errorf("the status is %d, want %d", status, test.status)
			}
			if !strings.Contains(stdout, test.wantStdout) || !strings.Contains(stderr, test.wantStderr) {
				t.Errorf("got %q and %q, want %q and %q in them", stdout, stderr, test.wantStdout, test.wantStderr)
			}
		})
	}
}

// TestCommandByHand has the usage printed when nobody redirects the input. The
// null device stands for the terminal: both are character devices.
func TestCommandByHand(t *testing.T) {
	terminal, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	status, stdout, stderr := runCommand(terminal)
	if status != exitUsage || stdout != "" || !strings.Contains(stderr, "protoc and buf run it") {
		t.Errorf("got the status %d, %q and %q, want the usage", status, stdout, stderr)
	}
}

func TestCommandBrokenInput(t *testing.T) {
	for name, input := range map[string]string{
		"empty":   "",
		"garbage": "syntax = \"proto3\";\n",
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := runCommand(strings.NewReader(input))
			if status != exitError || stdout != "" || !strings.Contains(stderr, "--help") {
				t.Errorf("got the status %d, %q and %q, want an error that says where help is", status, stdout, stderr)
			}
		})
	}
}

func TestCommandAnswers(t *testing.T) {
	input, err := proto.Marshal(loadImage(t).request(t, "module="+modulePath, "golden/proto3/proto3.proto"))
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runCommand(bytes.NewReader(input))
	if status != exitOK || stderr != "" {
		t.Fatalf("got the status %d and %q", status, stderr)
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal([]byte(stdout), response); err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "golden/proto3/proto3.mqrpc.go", response.GetFile()[0].GetContent())
}
