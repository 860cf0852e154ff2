package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/compiler/protogen"
)

// serviceNames holds the Go names that are generated from a service. All but
// those of the table are as in the code that gRPC generates.
//
// A service shares its namespace with messages, so its own name is free of
// theirs; protoc-gen-go uses X_... for what stands inside a message X. So
// X_Service meets no message's name.
type serviceNames struct {
	server        string // the interface that a worker implements
	unimplemented string // its implementation without methods
	register      string // the function that joins an implementation with a worker
	client        string // the interface of callers
	newClient     string // the function that makes one
	clientStruct  string // the implementation of the client
	table         string // the variable with the service's routing table
	methodPrefix  string // what the variables of methods begin with
}

func nameService(of *protogen.Service) serviceNames {
	return serviceNames{
		server:        of.GoName + "Server",
		unimplemented: "Unimplemented" + of.GoName + "Server",
		register:      "Register" + of.GoName + "Server",
		client:        of.GoName + "Client",
		newClient:     "New" + of.GoName + "Client",
		clientStruct:  unexported(of.GoName) + "Client",
		table:         of.GoName + "_Service",
		methodPrefix:  unexported(of.GoName) + "_",
	}
}

// packageLevel lists the names that are exported by the package.
func (n serviceNames) packageLevel() []string {
	return []string{n.server, n.unimplemented, n.register, n.client, n.newClient, n.table}
}

// methodNames holds the Go names that are generated from a method.
type methodNames struct {
	function string // the method's name in the interfaces
	variable string // the variable that describes the method
}

func nameMethod(of serviceNames, method *protogen.Method) methodNames {
	return methodNames{
		function: method.GoName,
		variable: of.methodPrefix + method.GoName,
	}
}

func unexported(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[size:]
}

// freeName is the name of a variable in a function that uses the messages. It
// is wanted, unless a message comes from a package that the variable would
// hide.
func freeName(wanted string, messages ...*protogen.Message) string {
	for _, message := range messages {
		if path := string(message.GoIdent.GoImportPath); path[strings.LastIndex(path, "/")+1:] == wanted {
			return wanted + "_"
		}
	}
	return wanted
}
