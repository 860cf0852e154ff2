package main

import "google.golang.org/protobuf/compiler/protogen"

// generateServer writes the interface that a worker implements.
func generateServer(g *protogen.GeneratedFile, service *service) {
	document(g, service.names.server+" is what a worker implements to serve "+string(service.Desc.FullName())+".\n"+
		"Its methods are called concurrently.", service.Comments, service.deprecated)
	generateInterface(g, service, service.names.server)
}

// generateInterface writes the methods as an interface. Client and server have
// the same.
func generateInterface(g *protogen.GeneratedFile, service *service, name string) {
	g.P("type ", name, " interface {")
	for _, method := range service.methods {
		document(g, "", method.Comments, method.options.Deprecated)
		g.P(method.names.function, "(", contextPackage.Ident("Context"), ", *", method.Input.GoIdent, ") (*",
			method.Output.GoIdent, ", error)", trailing(method.Comments))
	}
	g.P("}")
	g.P()
}

// generateUnimplemented writes an implementation whose methods all fail.
func generateUnimplemented(g *protogen.GeneratedFile, service *service) {
	name := service.names.unimplemented
	document(g, name+" answers every method with UNIMPLEMENTED.\n"+
		"Embed it by value in implementations: they then still compile when the\n"+
		"contract gets new methods.", protogen.CommentSet{}, false)
	g.P("type ", name, " struct{}")
	g.P()
	g.P("var _ ", service.names.server, " = ", name, "{}")
	g.P()
	for _, method := range service.methods {
		document(g, "", protogen.CommentSet{}, method.options.Deprecated)
		g.P("func (", name, ") ", method.names.function, "(", contextPackage.Ident("Context"), ", *", method.Input.GoIdent, ") (*",
			method.Output.GoIdent, ", error) {")
		g.P("return nil, ", runtimePackage.Ident("Unimplemented"), "(", method.names.variable, ")")
		g.P("}")
		g.P()
	}
}

// generateRegister writes the function that joins an implementation with a
// worker.
func generateRegister(g *protogen.GeneratedFile, service *service) {
	document(g, service.names.register+" makes a worker serve "+string(service.Desc.FullName())+"\n"+
		"by the implementation. Call it before the worker starts.", protogen.CommentSet{}, service.deprecated)
	g.P("func ", service.names.register, "(worker ", runtimePackage.Ident("Registrar"), ", implementation ", service.names.server, ") {")
	g.P("worker.Register(", service.names.table, ",")
	for _, method := range service.methods {
		g.P(runtimePackage.Ident("Handle"), "(", method.names.variable, ", implementation.", method.names.function, "),")
	}
	g.P(")")
	g.P("}")
	g.P()
}
