package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// Results is all that a run has measured.
type Results struct {
	Began     time.Time         `json:"began"`
	TookS     int               `json:"took_s"`
	Rounds    int               `json:"rounds"`  // of each row with more than one caller
	RoundS    float64           `json:"round_s"` // how long these were measured
	Machine   Machine           `json:"machine"`
	Calls     []contest.Row     `json:"calls"`
	Gateways  []contest.Row     `json:"gateways"`
	Transcode []transcoding.Row `json:"transcode"`
}

// The files of a run's results, in their directory.
const (
	jsonFile     = "results.json"
	markdownFile = "results.md"
	chartFile    = "chart.svg"
)

const (
	dirMode  = 0o755
	fileMode = 0o644
)

// Write writes the results and what is drawn of them into a directory.
func (r *Results) Write(dir string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	return errors.Join(
		write(dir, jsonFile, append(rowsOnLines(text), '\n')),
		write(dir, markdownFile, r.markdown()),
		write(dir, chartFile, r.chart()))
}

// rowsOnLines gives each row of results in JSON a line of its own. No text in
// them has what rows begin with, as its quotation marks are escaped.
func rowsOnLines(text []byte) []byte {
	for _, row := range []string{`{"stage":`, `{"direction":`} {
		text = bytes.ReplaceAll(text, []byte(row), []byte("\n"+row))
	}
	return text
}

func write(dir, name string, text []byte) error {
	return os.WriteFile(filepath.Join(dir, name), text, fileMode)
}

// Read reads the results that Write has written.
func Read(dir string) (*Results, error) {
	text, err := os.ReadFile(filepath.Join(dir, jsonFile))
	if err != nil {
		return nil, err
	}
	results := &Results{}
	if err := json.Unmarshal(text, results); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, jsonFile), err)
	}
	return results, nil
}
