package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/mqrpc/mqrpc/contract"
)

const supportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL |
	pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)

// respond answers a request of protoc or buf. Whatever is wrong with the
// request is the response's error.
func respond(request *pluginpb.CodeGeneratorRequest, version string) *pluginpb.CodeGeneratorResponse {
	plugin, err := protogen.Options{ParamFunc: refuseParameter}.New(request)
	if err != nil {
		return &pluginpb.CodeGeneratorResponse{Error: proto.String(err.Error())}
	}
	plugin.SupportedFeatures = supportedFeatures
	plugin.SupportedEditionsMinimum = contract.MinimumEdition
	plugin.SupportedEditionsMaximum = contract.MaximumEdition

	var found problems
	contracts := readContracts(plugin, &found)
	checkClashes(contracts, &found)
	checkGoNames(contracts, &found)
	if err := found.err(); err != nil {
		plugin.Error(err)
		return plugin.Response()
	}
	for _, each := range contracts {
		if each.file.Generate && len(each.services) > 0 {
			generateFile(plugin, each, version)
		}
	}
	return plugin.Response()
}

// refuseParameter is called with the parameters that protogen does not know.
func refuseParameter(name, _ string) error {
	return fmt.Errorf("unknown parameter %q: protoc-gen-mqrpc takes paths=, module= and M<file>=, as protoc-gen-go does", name)
}
