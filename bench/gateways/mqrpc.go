package gateways

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"

	"golang.org/x/sys/unix"
)

// The mqrpc program as "mqrpc gateway" serves: everything at its defaults, the
// access log written, to /dev/null. There is no registry and no snapshot on
// disk, so that the gateway learns the contract from the worker; and no
// listener for operators, whose port may be taken. It calls a server of the
// rows of calls over RabbitMQ.

// version is the contract's own: the gateway finds no other in it.
const version = "1.0"

// serveMQRPC becomes the mqrpc program: it returns only if that fails.
func serveMQRPC(_ context.Context, config Config, listener *net.TCPListener) error {
	address := listener.Addr().String()
	if err := listener.Close(); err != nil { // The program opens it anew.
		return err
	}
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := unix.Dup3(int(log.Fd()), 2, 0); err != nil {
		return fmt.Errorf("redirecting the log: %w", err)
	}
	arguments := []string{
		config.Program, "gateway", "--amqp-url", config.Target, "--listen", address,
		"--registry", "none", "--snapshot-dir", "", "--admin-listen", "",
	}
	return fmt.Errorf("running %s: %w", config.Program, unix.Exec(config.Program, arguments, os.Environ()))
}

// formRequest is a call as mqrpc's gateway takes it.
func formRequest(host string, document []byte) []byte {
	return post(host, "/gateway", "application/x-www-form-urlencoded",
		"module=bench&version="+version+"&method=BenchService.Exchange&bizContent="+url.QueryEscape(string(document)))
}
