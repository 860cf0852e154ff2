// Command mqrpc is the command line of mqrpc: the gateway, a demo, and more.
package main

import (
	"os"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/internal/cli"
)

func main() {
	os.Exit(cli.Main(wxappv1.WxappManager_Service, wxappv1p1.WxappManager_Service))
}
