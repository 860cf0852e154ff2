package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Outcome is what a load generator tells its parent when a round is over: a
// result, or why there is none.
type Outcome struct {
	Result *Result `json:"result,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// Serve runs the rounds that a parent orders, one a line, until there are no
// more.
func Serve(ctx context.Context, orders io.Reader, output io.Writer, run func(context.Context, Round) (Result, error)) error {
	answers := json.NewEncoder(output)
	lines := bufio.NewScanner(orders)
	for lines.Scan() {
		var round Round
		if err := json.Unmarshal(lines.Bytes(), &round); err != nil {
			return fmt.Errorf("an order that is no round: %w", err)
		}
		var outcome Outcome
		if result, err := run(ctx, round); err != nil {
			outcome.Error = err.Error()
		} else {
			outcome.Result = &result
		}
		if err := answers.Encode(outcome); err != nil {
			return fmt.Errorf("tell the parent: %w", err)
		}
	}
	return lines.Err()
}
