package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/source"
	"github.com/mqrpc/mqrpc/runtime"
)

// call is one run of mqrpc call.
type call struct {
	address      contract.Address
	files        source.Files
	broker       brokerSettings
	data         string
	headers      []string
	format       string
	emitDefaults bool
	allowUnknown bool
	maxTime      seconds
	verbose      bool
	in           io.Reader
	out, errOut  io.Writer
}

func newCallCommand(env environment) *cobra.Command {
	c := call{broker: defaultBroker(), in: env.in}
	options := c.broker.options()
	command := &cobra.Command{
		Use:   "call MODULE/VERSION/SERVICE.METHOD",
		Short: "Call a method of a running worker",
		Long: `Call a method of a running worker, straight over RabbitMQ. The worker is asked
for its contract, so no .proto file is needed.

The response goes to the standard output, everything else to the standard
error. If the call fails, the exit code is 64 plus the number of its status
code, for example 69 (64 + 5) for NOT_FOUND.`,
		Example: `  mqrpc call wxapp/1.0/WxappManager.SessionKey -d '{"Code":"d3JmZGZkc2Y="}'
  mqrpc call wxapp/1.0/WxappManager.SessionKey -d @ < request.json
  mqrpc call wxapp/1.0/WxappManager.SessionKey -H 'tenant: acme' --max-time 2 -v`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, args []string) (err error) {
			c.out, c.errOut = command.OutOrStdout(), command.ErrOrStderr()
			if err := load(options, command.Flags(), env.environ); err != nil {
				return &usageError{err}
			}
			if c.address, err = contract.ParseAddress(args[0]); err == nil && c.address.Element == "" {
				err = fmt.Errorf("%q names no method: write module/version/Service.Method", args[0])
			}
			if err == nil && c.format != "json" && c.format != "text" {
				err = fmt.Errorf("format is %q; it must be json or text", c.format)
			}
			if err != nil {
				return &usageError{err}
			}
			return c.run(command.Context(), env)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVarP(&c.data, "data", "d", "", "the request, in the format; @ reads it from the standard input")
	flags.StringArrayVarP(&c.headers, "header", "H", nil, "metadata of the request, as 'name: value'; can be repeated")
	flags.StringVar(&c.format, "format", "json", "format of request and response: json or text (protobuf's)")
	flags.BoolVar(&c.emitDefaults, "emit-defaults", false, "write fields that are not set, too")
	flags.BoolVar(&c.allowUnknown, "allow-unknown-fields", false, "ignore unknown fields in the request")
	flags.Var(&c.maxTime, "max-time", "longest time for everything, as 1.5 (seconds) or 500ms; replaces the contract's timeout")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "show method, metadata and timing on the standard error")
	addContractFlags(command, &c.files)
	addOptions(command, options)
	return command
}

// run makes the call, a step a line.
func (c *call) run(ctx context.Context, env environment) (err error) {
	if c.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.maxTime))
		defer cancel()
	}
	metadata, err := parseHeaders(c.headers)
	if err != nil {
		return &usageError{err}
	}
	if c.data == "@" {
		text, err := io.ReadAll(c.in)
		if err != nil {
			return fmt.Errorf("read the request: %w", err)
		}
		c.data = string(text)
	}
	connected, err := openBus(ctx, env, c.broker, commandLogger(c.errOut, c.verbose))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connected.close()) }()
	api, err := c.contract(ctx, connected)
	if err != nil {
		return err
	}
	found, err := api.Method(c.address.Element)
	if err != nil {
		return err
	}
	method := runtime.MethodOf(found)
	codec, err := newCodec(method, c.format, codecOptions{emitDefaults: c.emitDefaults, allowUnknown: c.allowUnknown, resolver: api.Resolver()})
	if err != nil {
		return err
	}
	payload, err := codec.encode(c.data)
	if err != nil {
		return err
	}
	c.showRequest(api, method, metadata)
	if c.maxTime > 0 {
		method.Timeout = time.Duration(c.maxTime)
	}
	start := time.Now()
	reply, err := connected.client.Invoke(ctx, &runtime.Call{Method: method, Metadata: metadata, Payload: payload})
	took := time.Since(start)
	if err != nil {
		c.showTiming(took, nil)
		return &statusError{failure: runtime.AsError(err), resolver: api.Resolver()}
	}
	text, err := codec.decode(reply.Payload)
	if err != nil {
		return err
	}
	c.showTiming(took, reply)
	_, err = fmt.Fprintln(c.out, text)
	return err
}

// contract takes the contract from files, or asks a worker for it.
func (c *call) contract(ctx context.Context, connected *bus) (*contract.Contract, error) {
	if c.files.Given() {
		return fileContract(ctx, c.address.Key, c.files)
	}
	return describedContract(ctx, c.address.Key, connected.client)
}

// parseHeaders reads "name: value".
func parseHeaders(headers []string) (runtime.Metadata, error) {
	metadata := runtime.Metadata{}
	for _, header := range headers {
		name, value, found := strings.Cut(header, ":")
		name = strings.TrimSpace(name)
		if !found || name == "" {
			return nil, fmt.Errorf("header %q is malformed: write 'name: value'", header)
		}
		metadata.Set(name, strings.TrimSpace(value))
	}
	return metadata, nil
}

// seconds is a duration that may be given in seconds, as grpcurl and curl do.
type seconds time.Duration

// String implements [pflag.Value].
func (s *seconds) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Set implements [pflag.Value].
func (s *seconds) Set(text string) error {
	duration, err := time.ParseDuration(text)
	if number, notNumber := strconv.ParseFloat(text, 64); notNumber == nil {
		duration, err = time.Duration(number*float64(time.Second)), nil
	}
	if err != nil || duration <= 0 {
		return errors.New("it must be a time greater than zero, such as 1.5 or 500ms")
	}
	*s = seconds(duration)
	return nil
}

// Type implements [pflag.Value].
func (s *seconds) Type() string { return "seconds" }
