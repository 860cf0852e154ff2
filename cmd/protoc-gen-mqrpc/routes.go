package main

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/descriptorpb"
)

// generateRoutes writes the routing table: the variable that describes the
// service, and one for each method.
func generateRoutes(g *protogen.GeneratedFile, service *service) {
	document(g, service.names.table+" describes "+string(service.Desc.FullName())+":\n"+
		"where it is served, and its methods. A gateway routes by it.",
		protogen.CommentSet{}, service.deprecated)
	g.P("var ", service.names.table, " = &", runtimePackage.Ident("Service"), "{")
	g.P("Module: ", quote(service.key.Module), ",")
	g.P("Version: ", quote(service.key.Version), ",")
	g.P("Name: ", quote(string(service.Desc.Name())), ",")
	g.P("FullName: ", quote(string(service.Desc.FullName())), ",")
	g.P("Methods: []*", runtimePackage.Ident("Method"), "{")
	for _, method := range service.methods {
		g.P(method.names.variable, ",")
	}
	g.P("},")
	g.P("}")
	g.P()
	generateMethodVariables(g, service)
}

func generateMethodVariables(g *protogen.GeneratedFile, service *service) {
	if len(service.methods) == 0 {
		return
	}
	g.P("var (")
	for _, method := range service.methods {
		generateMethodVariable(g, service, method)
	}
	g.P(")")
	g.P()
}

func generateMethodVariable(g *protogen.GeneratedFile, service *service, method *method) {
	g.P(method.names.variable, " = &", runtimePackage.Ident("Method"), "{")
	g.P("Module: ", quote(service.key.Module), ",")
	g.P("Version: ", quote(service.key.Version), ",")
	g.P("Name: ", quote(method.options.Address), ",")
	if method.options.Timeout != 0 {
		g.P(append(append([]any{"Timeout: "}, durationExpression(method.options.Timeout)...), ",")...)
	}
	if level, ok := idempotencyLevels[method.options.Idempotency]; ok {
		g.P("Idempotency: ", runtimePackage.Ident(level), ",")
	}
	g.P("Request: (*", method.Input.GoIdent, ")(nil),")
	g.P("Response: (*", method.Output.GoIdent, ")(nil),")
	g.P("}")
}

// idempotencyLevels are the levels that the generated code names. The others
// are the zero value.
var idempotencyLevels = map[descriptorpb.MethodOptions_IdempotencyLevel]string{
	descriptorpb.MethodOptions_NO_SIDE_EFFECTS: "NoSideEffects",
	descriptorpb.MethodOptions_IDEMPOTENT:      "Idempotent",
}

// durationUnits are the units that durations are written in, the largest first.
var durationUnits = []struct {
	unit time.Duration
	name string
}{
	{time.Hour, "Hour"},
	{time.Minute, "Minute"},
	{time.Second, "Second"},
	{time.Millisecond, "Millisecond"},
	{time.Microsecond, "Microsecond"},
	{time.Nanosecond, "Nanosecond"},
}

// durationExpression is a Go expression for the duration in the largest unit
// that gives a whole number: 2 * time.Second.
func durationExpression(d time.Duration) []any {
	for _, each := range durationUnits {
		if d%each.unit == 0 {
			return []any{int64(d / each.unit), " * ", timePackage.Ident(each.name)}
		}
	}
	panic("every duration is a whole number of nanoseconds")
}

func quote(text string) string { return strconv.Quote(text) }
