package main

import "google.golang.org/protobuf/compiler/protogen"

// generateClient writes the interface of callers.
func generateClient(g *protogen.GeneratedFile, service *service) {
	document(g, service.names.client+" calls "+string(service.Desc.FullName())+".\n"+
		"Its errors are of type *"+g.QualifiedGoIdent(runtimePackage.Ident("Error"))+". It is safe for concurrent use.", service.Comments, service.deprecated)
	generateInterface(g, service, service.names.client)
}

// generateNewClient writes the function that makes a client.
func generateNewClient(g *protogen.GeneratedFile, service *service) {
	document(g, service.names.newClient+" returns a client that calls through the caller,\n"+
		"which is usually a *"+g.QualifiedGoIdent(runtimePackage.Ident("Client"))+".", protogen.CommentSet{}, service.deprecated)
	g.P("func ", service.names.newClient, "(caller ", runtimePackage.Ident("Caller"), ") ", service.names.client, " {")
	g.P("return &", service.names.clientStruct, "{caller}")
	g.P("}")
	g.P()
}

// generateClientMethods writes the implementation of the client.
func generateClientMethods(g *protogen.GeneratedFile, service *service) {
	g.P("type ", service.names.clientStruct, " struct {")
	g.P("caller ", runtimePackage.Ident("Caller"))
	g.P("}")
	g.P()
	for _, method := range service.methods {
		generateClientMethod(g, service, method)
	}
}

func generateClientMethod(g *protogen.GeneratedFile, service *service, method *method) {
	receiver := freeName("c", method.Output)
	ctx := freeName("ctx", method.Output)
	request := freeName("request", method.Output)
	document(g, "", protogen.CommentSet{}, method.options.Deprecated)
	g.P("func (", receiver, " *", service.names.clientStruct, ") ", method.names.function,
		"(", ctx, " ", contextPackage.Ident("Context"), ", ", request, " *", method.Input.GoIdent, ") (*", method.Output.GoIdent, ", error) {")
	g.P("return ", runtimePackage.Ident("Unary"), "[", method.Output.GoIdent, "](",
		ctx, ", ", receiver, ".caller, ", method.names.variable, ", ", request, ")")
	g.P("}")
	g.P()
}
