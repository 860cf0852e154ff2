package main

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// The bounds of a method's timeout.
const (
	minTimeout = time.Millisecond
	maxTimeout = 24 * time.Hour
)

// readTimeout is the timeout of a method's options, zero when they have none.
func readTimeout(file *protogen.File, method *method, found *problems) time.Duration {
	options := proto.GetExtension(method.Desc.Options(), mqrpcv1.E_Method).(*mqrpcv1.MethodOptions)
	timeout := options.GetTimeout()
	if timeout == nil {
		return 0
	}
	option := mqrpcv1.E_Method.TypeDescriptor().Number()
	path := within(method.Location, methodOptionsField, option, timeoutField)
	switch {
	case !hasValidNanos(timeout):
		found.add(file, path, "method %s: the timeout of %d seconds and %d nanos is no duration: "+
			"nanos must lie within one second and have the sign of the seconds", method.address, timeout.GetSeconds(), timeout.GetNanos())
		return 0
	case timeout.AsDuration() < minTimeout || timeout.AsDuration() > maxTimeout:
		found.add(file, path, "method %s: the timeout of %s is out of range: it must be at least 1 ms and at most 24 h",
			method.address, formatTimeout(timeout))
		return 0
	}
	return timeout.AsDuration()
}

// hasValidNanos reports whether the two parts of a duration fit together.
func hasValidNanos(d *durationpb.Duration) bool {
	sameSign := d.GetSeconds() == 0 || d.GetNanos() == 0 || (d.GetSeconds() < 0) == (d.GetNanos() < 0)
	return sameSign && -1e9 < d.GetNanos() && d.GetNanos() < 1e9
}

// formatTimeout writes durations beyond Go's range too.
func formatTimeout(d *durationpb.Duration) string {
	if d.CheckValid() != nil || d.AsDuration()/time.Second != time.Duration(d.GetSeconds()) {
		return fmt.Sprintf("%d s", d.GetSeconds())
	}
	return d.AsDuration().String()
}
