package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/transcode"
)

// allMethods is the name, in a policy, of all methods that it does not name.
const allMethods = "*"

// optionalDuration is a policy's timeout: zero means that there is none.
func optionalDuration(duration time.Duration) *durationpb.Duration {
	if duration == 0 {
		return nil
	}
	return durationpb.New(duration)
}

// checkPolicy sees that a policy names methods that there are, and that its
// default responses are responses.
func checkPolicy(ctx context.Context, api *mqrpcv1.Api, policy *mqrpcv1.Policy) error {
	found, err := contract.Link(ctx, contract.KeyOf(api), api.GetFiles())
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(policy.GetMethods())) {
		if _, err := found.Method(name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(policy.GetDefaultResponses())) {
		methods, err := responders(found, policy, name)
		if err != nil {
			return err
		}
		for _, method := range methods {
			if err := checkResponse(found, method, policy.GetDefaultResponses()[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// responders are the methods that have the default response with that name.
func responders(found *contract.Contract, policy *mqrpcv1.Policy, name string) ([]*contract.Method, error) {
	if name != allMethods {
		method, err := found.Method(name)
		return []*contract.Method{method}, err
	}
	var methods []*contract.Method
	for _, service := range found.Services {
		for _, method := range service.Methods {
			if _, own := policy.GetDefaultResponses()[method.Address]; !own {
				methods = append(methods, method)
			}
		}
	}
	return methods, nil
}

func checkResponse(found *contract.Contract, method *contract.Method, response string) error {
	message, err := transcode.New(method.Output(), transcode.Options{Resolver: found.Resolver()})
	if err != nil {
		return err
	}
	if _, err := message.AppendWire(nil, []byte(response)); err != nil {
		return fmt.Errorf("the default response of %s is no %s: %w", method.Address, message.Descriptor().FullName(), err)
	}
	return nil
}
