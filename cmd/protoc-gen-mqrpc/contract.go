package main

import (
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/contract"
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
	key        contract.Key
	file       *protogen.File
	deprecated bool
	names      serviceNames
	methods    []*method
}

// method is one method of an mqrpc service.
type method struct {
	*protogen.Method
	options *contract.Method
	names   methodNames
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
		options, wrong := contract.ReadService(candidate.Desc)
		if options == nil {
			continue
		}
		result.services = append(result.services, newService(file, candidate, options))
		for _, problem := range wrong {
			found.add(file, pathOf(problem, candidate), "%s", problem.Text)
		}
	}
	return result
}

func newService(file *protogen.File, from *protogen.Service, options *contract.Service) *service {
	result := &service{
		Service:    from,
		key:        options.Key,
		file:       file,
		deprecated: options.Deprecated,
		names:      nameService(from),
	}
	for i, each := range from.Methods {
		result.methods = append(result.methods, &method{
			Method:  each,
			options: options.Methods[i],
			names:   nameMethod(result.names, each),
		})
	}
	return result
}

// pathOf is where in its file a problem with a service or one of its methods is.
func pathOf(problem *contract.RuleError, service *protogen.Service) protoreflect.SourcePath {
	location := service.Location
	if method, is := problem.Element.(protoreflect.MethodDescriptor); is {
		location = service.Methods[method.Index()].Location
	}
	return within(location, problem.Field...)
}
