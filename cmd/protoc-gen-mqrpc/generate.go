package main

import "google.golang.org/protobuf/compiler/protogen"

// The packages that generated code imports.
const (
	contextPackage = protogen.GoImportPath("context")
	runtimePackage = protogen.GoImportPath("github.com/mqrpc/mqrpc/runtime")
	timePackage    = protogen.GoImportPath("time")
)

// generateFile writes the code of one .proto file.
func generateFile(plugin *protogen.Plugin, from *serviceFile, version string) {
	file := from.file
	g := plugin.NewGeneratedFile(file.GeneratedFilenamePrefix+".mqrpc.go", file.GoImportPath)
	generateHeader(g, plugin, file, version)
	generateHandshake(g)
	for _, service := range from.services {
		generateServer(g, service)
		generateUnimplemented(g, service)
		generateRegister(g, service)
		generateClient(g, service)
		generateNewClient(g, service)
		generateClientMethods(g, service)
		generateRoutes(g, service)
	}
}
