package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func newPolicyCommand(env environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "policy",
		Short: "Show and set how gateways treat an API",
	}
	command.AddCommand(newPolicyShowCommand(env), newPolicySetCommand(env))
	return command
}

func newPolicyShowCommand(env environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "show MODULE/VERSION",
		Short: "Show the policy of an API, as JSON",
		Args:  usageArgs(cobra.ExactArgs(1)),
	}
	a := newAdmin(env, command, false, func(ctx context.Context, a *admin, args []string) error {
		key, err := parseKey(args[0])
		if err != nil {
			return err
		}
		return a.read(ctx, func(store registry.Store) error {
			api, err := store.Load(ctx, key)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, policyText(api.GetPolicy()))
			return err
		})
	})
	return a.complete()
}

func newPolicySetCommand(env environment) *cobra.Command {
	var edit policyEdit
	command := &cobra.Command{
		Use:   "set MODULE/VERSION",
		Short: "Change the policy of an API",
		Long: `Change what the flags name and leave the rest of the policy as it is, or replace
it whole with --file. With --method the flags are about that method alone, which
wins over the API.

The default response is what gateways answer, with the status 200, when the
service cannot: when it is disabled, absent or silent.`,
		Example: `  mqrpc api policy set wxapp/1.0 --timeout 3s
  mqrpc api policy set wxapp/1.0 --method WxappManager.SessionKey --default-response '{"SessionKey":""}'
  mqrpc api policy set wxapp/1.0 --timeout 0
  mqrpc api policy show wxapp/1.0 > policy.json && mqrpc api policy set wxapp/1.0 --file policy.json`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	a := newAdmin(env, command, true, func(ctx context.Context, a *admin, args []string) error {
		key, err := parseKey(args[0])
		if err != nil {
			return err
		}
		if err := edit.read(command, env.in); err != nil {
			return err
		}
		return a.change(ctx, func(c changer) error {
			result, err := edit.apply(ctx, c, key)
			if err == nil {
				a.tell("policy set", result, c.way)
			}
			return err
		})
	})
	flags := command.Flags()
	flags.StringVar(&edit.method, "method", "", "the method that the other flags are about, as Service.Method")
	flags.DurationVar(&edit.timeout, "timeout", 0, "longest time that a caller waits; 0: the contract's")
	flags.BoolVar(&edit.disabled, "disabled", false, "refuse calls; --disabled=false: serve them")
	flags.StringVar(&edit.response, "default-response", "", `response in JSON when the service cannot answer; "": none`)
	flags.StringVar(&edit.file, "file", "", "file with a whole policy in JSON; - is the standard input")
	return a.complete()
}

// policyEdit is a change of a policy. Its pointers are nil where nothing is to
// change.
type policyEdit struct {
	method   string
	timeout  time.Duration
	disabled bool
	response string
	file     string

	setTimeout, setDisabled, setResponse bool
	whole                                *mqrpcv1.Policy
}

// read sees which flags are set, and reads the file.
func (e *policyEdit) read(command *cobra.Command, in io.Reader) error {
	flags := command.Flags()
	e.setTimeout, e.setDisabled, e.setResponse = flags.Changed("timeout"), flags.Changed("disabled"), flags.Changed("default-response")
	single := e.setTimeout || e.setDisabled || e.setResponse
	switch {
	case e.file == "" && !single:
		return &usageError{errors.New("there is nothing to set: give --timeout, --disabled, --default-response or --file")}
	case e.file != "" && (single || e.method != ""):
		return &usageError{errors.New("--file replaces the whole policy: leave the other flags out")}
	case e.file == "":
		return nil
	}
	var text []byte
	var err error
	if e.file == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(e.file)
	}
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	e.whole = &mqrpcv1.Policy{}
	if err := protojson.Unmarshal(text, e.whole); err != nil {
		return fmt.Errorf("%s is no policy in JSON: %w", e.file, err)
	}
	return nil
}

// apply changes the policy, if it suits the stored contract.
func (e *policyEdit) apply(ctx context.Context, c changer, key contract.Key) (registry.Result, error) {
	api, err := c.store.Load(ctx, key)
	if err != nil {
		return registry.Result{}, err
	}
	if api.GetDeleted() {
		return registry.Result{}, fmt.Errorf("%s: %w", key, errDeleted)
	}
	return c.SetPolicy(ctx, key, func(policy *mqrpcv1.Policy) error {
		e.edit(policy)
		return checkPolicy(ctx, api, policy)
	})
}

// edit changes a policy.
func (e *policyEdit) edit(policy *mqrpcv1.Policy) {
	switch {
	case e.whole != nil:
		proto.Reset(policy)
		proto.Merge(policy, e.whole)
		return
	case e.method == "":
		if e.setTimeout {
			policy.Timeout = optionalDuration(e.timeout)
		}
		if e.setDisabled {
			policy.Disabled = e.disabled
		}
	case e.setTimeout || e.setDisabled:
		e.editMethod(policy)
	}
	if e.setResponse {
		e.editResponse(policy)
	}
}

// editMethod changes the settings of one method.
func (e *policyEdit) editMethod(policy *mqrpcv1.Policy) {
	method := policy.GetMethods()[e.method]
	if method == nil {
		method = &mqrpcv1.MethodPolicy{}
	}
	if e.setTimeout {
		method.Timeout = optionalDuration(e.timeout)
	}
	if e.setDisabled {
		method.Disabled = e.disabled
	}
	if policy.GetMethods() == nil {
		policy.Methods = map[string]*mqrpcv1.MethodPolicy{}
	}
	policy.Methods[e.method] = method
	if proto.Size(method) == 0 {
		delete(policy.GetMethods(), e.method)
	}
}

// editResponse sets or takes away a default response.
func (e *policyEdit) editResponse(policy *mqrpcv1.Policy) {
	name := e.method
	if name == "" {
		name = allMethods
	}
	if e.response == "" {
		delete(policy.GetDefaultResponses(), name)
		return
	}
	if policy.GetDefaultResponses() == nil {
		policy.DefaultResponses = map[string]string{}
	}
	policy.DefaultResponses[name] = e.response
}
