package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// goNames holds the names of one Go package, each with what it comes from.
type goNames map[string]string

// checkGoNames finds Go names that would be declared twice. A compiler would
// find them too, but could not say which line of which contract to change.
func checkGoNames(contracts []*serviceFile, found *problems) {
	packages := map[protogen.GoImportPath]goNames{}
	for _, contract := range contracts {
		path := contract.file.GoImportPath
		if packages[path] == nil {
			packages[path] = goNames{}
		}
		packages[path].addMessages(contract.file.Messages)
		packages[path].addEnums(contract.file.Enums)
	}
	for _, contract := range contracts {
		for _, service := range contract.services {
			if !contract.file.Generate {
				continue
			}
			packages[contract.file.GoImportPath].checkService(service, found)
			checkMethodNames(service, found)
		}
	}
}

func (n goNames) addMessages(messages []*protogen.Message) {
	for _, message := range messages {
		n[message.GoIdent.GoName] = describe("message", message.Desc)
		n.addMessages(message.Messages)
		n.addEnums(message.Enums)
	}
}

func (n goNames) addEnums(enums []*protogen.Enum) {
	for _, enum := range enums {
		n[enum.GoIdent.GoName] = describe("enum", enum.Desc)
	}
}

// checkService adds the names of a service and reports the first of them that
// is taken.
func (n goNames) checkService(service *service, found *problems) {
	reported := false
	for _, name := range service.names.packageLevel() {
		if owner, taken := n[name]; taken && !reported {
			found.add(service.file, service.Location.Path,
				"service %s: its generated code declares %s, a name that %s has in the same Go package",
				service.Desc.Name(), name, owner)
			reported = true
		}
		n[name] = "the code of " + describe("service", service.Desc)
	}
}

// checkMethodNames reports methods that differ in the contract but not in Go.
func checkMethodNames(service *service, found *problems) {
	seen := map[string]*method{}
	for _, method := range service.methods {
		if earlier, taken := seen[method.names.function]; taken {
			found.add(service.file, method.Location.Path, "method %s: its name in Go, %s, is that of %s too",
				method.options.Address, method.names.function, earlier.options.Address)
			continue
		}
		seen[method.names.function] = method
	}
}

func describe(kind string, descriptor protoreflect.Descriptor) string {
	return fmt.Sprintf("%s %s", kind, descriptor.FullName())
}
