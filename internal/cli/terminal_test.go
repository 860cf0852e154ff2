package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// TestStrangersDoNotControlTheTerminal: a claim's host and language are what
// anybody has written there.
func TestStrangersDoNotControlTheTerminal(t *testing.T) {
	var screen bytes.Buffer
	rows := mergeAPIs("", []*mqrpcv1.Claim{{
		Module: "wxapp", Version: "1.0", Instance: "i", Revision: "r", Host: "\x1b[2Jhost\u009b31m", Language: "go\x07\r\nwxapp/1.0  i",
	}}, nil)
	if err := (&list{out: visibleWriter{&screen}}).printInstances(rows); err != nil {
		t.Error(err)
	}
	if text := screen.Bytes(); bytes.ContainsAny(text, "\x1b\x07\r\u009b") || !bytes.Contains(text, []byte("\ufffd[2Jhost\ufffd31m")) || bytes.Count(text, []byte("\n")) != 2 {
		t.Errorf("on the screen: %q", text)
	}
}

func TestFilesGetEveryByte(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got := shown(file); got != file {
		t.Errorf("a file is written to through a %T", got)
	}
}
