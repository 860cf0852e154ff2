// Command mqrpc is the command line of mqrpc: the gateway, calls from the shell,
// the APIs of a registry, and a demo.
package main

import (
	"os"

	"github.com/mqrpc/mqrpc/internal/cli"
)

func main() {
	os.Exit(cli.Main())
}
