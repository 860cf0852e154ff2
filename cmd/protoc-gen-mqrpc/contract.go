package main

import (
	"time"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// The numbers of fields in descriptors, for positions of problems.
const (
	serviceOptionsField  protoreflect.FieldNumber = 3 // ServiceDescriptorProto.options
	methodOptionsField   protoreflect.FieldNumber = 4 // MethodDescriptorProto.options
	clientStreamingField protoreflect.FieldNumber = 5 // MethodDescriptorProto.client_streaming
	serverStreamingField protoreflect.FieldNumber = 6 // MethodDescriptorProto.server_streaming
	moduleField          protoreflect.FieldNumber = 1 // mqrpc.v1.ServiceOptions.module
	versionField         protoreflect.FieldNumber = 2 // mqrpc.v1.ServiceOptions.version
	timeoutField         protoreflect.FieldNumber = 1 // mqrpc.v1.MethodOptions.timeout
)

// serviceFile is one .proto file with its mqrpc services.
type serviceFile struct {
	file     *protogen.File
	services []*service
}

// service is one mqrpc service: what its options say and the names that are
// generated from it.
type service struct {
	*protogen.Service
	file            *protogen.File
	module, version string
	deprecated      bool
	names           serviceNames
	methods         []*method
}

// method is one method of an mqrpc service.
type method struct {
	*protogen.Method
	address     string // Service.Method
	timeout     time.Duration
	idempotency descriptorpb.MethodOptions_IdempotencyLevel
	deprecated  bool
	names       methodNames
}

// readContracts reads the mqrpc services of all files of the request. Files
// that are only imported are read for the clashes with them; their own
// problems are not this request's.
func readContracts(plugin *protogen.Plugin, found *problems) []*serviceFile {
	contracts := make([]*serviceFile, 0, len(plugin.Files))
	for _, file := range plugin.Files {
		of := found
		if !file.Generate {
			of = &problems{}
		}
		contracts = append(contracts, readContract(file, of))
	}
	return contracts
}

func readContract(file *protogen.File, found *problems) *serviceFile {
	result := &serviceFile{file: file}
	for _, candidate := range file.Services {
		if proto.HasExtension(candidate.Desc.Options(), mqrpcv1.E_Service) {
			result.services = append(result.services, readService(file, candidate, found))
		}
	}
	return result
}

func readService(file *protogen.File, from *protogen.Service, found *problems) *service {
	options := proto.GetExtension(from.Desc.Options(), mqrpcv1.E_Service).(*mqrpcv1.ServiceOptions)
	result := &service{
		Service:    from,
		file:       file,
		module:     options.GetModule(),
		version:    options.GetVersion(),
		deprecated: from.Desc.Options().(*descriptorpb.ServiceOptions).GetDeprecated(),
		names:      nameService(from),
	}
	option := mqrpcv1.E_Service.TypeDescriptor().Number()
	if err := contract.CheckModule(result.module); err != nil {
		found.add(file, within(from.Location, serviceOptionsField, option, moduleField), "service %s: %v", from.Desc.Name(), err)
	}
	if err := contract.CheckVersion(result.version); err != nil {
		found.add(file, within(from.Location, serviceOptionsField, option, versionField), "service %s: %v", from.Desc.Name(), err)
	}
	for _, each := range from.Methods {
		result.methods = append(result.methods, readMethod(result, each, found))
	}
	return result
}

func readMethod(of *service, from *protogen.Method, found *problems) *method {
	options := from.Desc.Options().(*descriptorpb.MethodOptions)
	result := &method{
		Method:      from,
		address:     string(of.Desc.Name()) + "." + string(from.Desc.Name()),
		idempotency: options.GetIdempotencyLevel(),
		deprecated:  options.GetDeprecated(),
		names:       nameMethod(of.names, from),
	}
	if err := contract.CheckMethod(result.address); err != nil {
		found.add(of.file, from.Location.Path, "%v", err)
	}
	checkUnary(of.file, result, found)
	result.timeout = readTimeout(of.file, result, found)
	return result
}

func checkUnary(file *protogen.File, method *method, found *problems) {
	switch {
	case method.Desc.IsStreamingClient():
		found.add(file, within(method.Location, clientStreamingField),
			"method %s: the request is a stream; mqrpc methods take one request and return one response", method.address)
	case method.Desc.IsStreamingServer():
		found.add(file, within(method.Location, serverStreamingField),
			"method %s: the response is a stream; mqrpc methods take one request and return one response", method.address)
	}
}
