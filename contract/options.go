package contract

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Service is a service of a contract, with what its options say.
type Service struct {
	protoreflect.ServiceDescriptor

	// Key names the API that the service belongs to.
	Key Key
	// Deprecated says that nobody should call it any more.
	Deprecated bool
	// Methods are in the order of the .proto file.
	Methods []*Method
}

// Method is a method of a contract, with what its options say.
type Method struct {
	protoreflect.MethodDescriptor

	// Key names the API that the method belongs to.
	Key Key
	// Address is what callers call inside the API: "WxappManager.SessionKey".
	Address string
	// Timeout is the longest that a caller waits for the reply. Zero: the
	// contract does not say.
	Timeout time.Duration
	// Idempotency says whether a call may run more than once.
	Idempotency descriptorpb.MethodOptions_IdempotencyLevel
	// Deprecated says that nobody should call it any more.
	Deprecated bool
}

// String is the method's address for people: "wxapp/1.0/WxappManager.SessionKey".
func (m *Method) String() string { return Address{Key: m.Key, Element: m.Address}.String() }

// RuleError is a rule that a service or a method breaks.
type RuleError struct {
	// Element is what breaks it.
	Element protoreflect.Descriptor
	// Field leads from the element's message in descriptor.proto to the field
	// that is wrong. Empty: the element itself is.
	Field []protoreflect.FieldNumber
	// Text says what is wrong.
	Text string
}

// Error is the problem with the name of its file.
func (p *RuleError) Error() string { return p.Element.ParentFile().Path() + ": " + p.Text }

// The numbers of fields in descriptors, which lead to problems.
const (
	serviceOptionsField  protoreflect.FieldNumber = 3 // ServiceDescriptorProto.options
	methodOptionsField   protoreflect.FieldNumber = 4 // MethodDescriptorProto.options
	clientStreamingField protoreflect.FieldNumber = 5 // MethodDescriptorProto.client_streaming
	serverStreamingField protoreflect.FieldNumber = 6 // MethodDescriptorProto.server_streaming
	moduleField          protoreflect.FieldNumber = 1 // mqrpc.v1.ServiceOptions.module
	versionField         protoreflect.FieldNumber = 2 // mqrpc.v1.ServiceOptions.version
	timeoutField         protoreflect.FieldNumber = 1 // mqrpc.v1.MethodOptions.timeout
)

// ReadService reads the options of a service and of its methods. It returns all
// problems with them. The service is nil if it is none of mqrpc's.
func ReadService(descriptor protoreflect.ServiceDescriptor) (*Service, []*RuleError) {
	options, _ := descriptor.Options().(*descriptorpb.ServiceOptions)
	key, ok := serviceKey(options)
	if !ok {
		return nil, nil
	}
	service := &Service{ServiceDescriptor: descriptor, Key: key, Deprecated: options.GetDeprecated()}
	var problems []*RuleError
	refuse := func(err error, field protoreflect.FieldNumber) {
		if err != nil {
			problems = append(problems, &RuleError{
				Element: descriptor,
				Field:   []protoreflect.FieldNumber{serviceOptionsField, mqrpcv1.E_Service.TypeDescriptor().Number(), field},
				Text:    fmt.Sprintf("service %s: %v", descriptor.Name(), err),
			})
		}
	}
	refuse(CheckModule(key.Module), moduleField)
	refuse(CheckVersion(key.Version), versionField)
	for i := range descriptor.Methods().Len() {
		method, found := readMethod(key, descriptor.Methods().Get(i))
		service.Methods = append(service.Methods, method)
		problems = append(problems, found...)
	}
	return service, problems
}

// serviceKey reads the API out of a service's options; false if the service is
// none of mqrpc's.
func serviceKey(options *descriptorpb.ServiceOptions) (Key, bool) {
	var service mqrpcv1.ServiceOptions
	ok := readOption(options, mqrpcv1.E_Service, &service)
	return Key{Module: service.GetModule(), Version: service.GetVersion()}, ok
}

// readOption reads an option of mqrpc's, whatever holds it: a compiler that
// brings the option's definition itself keeps another type of message than
// generated code has, for which proto.GetExtension panics. False: it is not set.
func readOption(options proto.Message, option protoreflect.ExtensionType, into proto.Message) bool {
	reflected := options.ProtoReflect()
	if !reflected.Has(option.TypeDescriptor()) {
		return false
	}
	held, ok := reflected.Get(option.TypeDescriptor()).Interface().(protoreflect.Message)
	if !ok {
		return false
	}
	encoded, err := proto.Marshal(held.Interface())
	return err == nil && proto.Unmarshal(encoded, into) == nil
}

func readMethod(key Key, descriptor protoreflect.MethodDescriptor) (*Method, []*RuleError) {
	options, _ := descriptor.Options().(*descriptorpb.MethodOptions)
	method := &Method{
		MethodDescriptor: descriptor,
		Key:              key,
		Address:          string(descriptor.Parent().Name()) + "." + string(descriptor.Name()),
		Idempotency:      options.GetIdempotencyLevel(),
		Deprecated:       options.GetDeprecated(),
	}
	var problems []*RuleError
	refuse := func(text string, field ...protoreflect.FieldNumber) {
		problems = append(problems, &RuleError{Element: descriptor, Field: field, Text: text})
	}
	if err := CheckMethod(method.Address); err != nil {
		refuse(err.Error())
	}
	const unary = "mqrpc methods take one request and return one response"
	switch {
	case descriptor.IsStreamingClient():
		refuse(fmt.Sprintf("method %s: the request is a stream; %s", method.Address, unary), clientStreamingField)
	case descriptor.IsStreamingServer():
		refuse(fmt.Sprintf("method %s: the response is a stream; %s", method.Address, unary), serverStreamingField)
	}
	for _, message := range []protoreflect.MessageDescriptor{descriptor.Input(), descriptor.Output()} {
		if message.IsMapEntry() {
			refuse(fmt.Sprintf("method %s: %s is the entry of a map, not a message of its own", method.Address, message.FullName()))
		}
	}
	var own mqrpcv1.MethodOptions
	readOption(options, mqrpcv1.E_Method, &own)
	if err := CheckTimeout(own.GetTimeout()); err != nil {
		refuse(fmt.Sprintf("method %s: %v", method.Address, err),
			methodOptionsField, mqrpcv1.E_Method.TypeDescriptor().Number(), timeoutField)
	} else {
		method.Timeout = own.GetTimeout().AsDuration()
	}
	return method, problems
}

// CheckTimeout returns an error that says what is wrong with the timeout of a
// method or a policy, nil when nothing is or there is none.
func CheckTimeout(timeout *durationpb.Duration) error {
	switch {
	case timeout == nil:
		return nil
	case !hasValidNanos(timeout):
		return fmt.Errorf("the timeout of %d seconds and %d nanos is no duration: "+
			"nanos must lie within one second and have the sign of the seconds", timeout.GetSeconds(), timeout.GetNanos())
	case timeout.AsDuration() < MinTimeout || timeout.AsDuration() > MaxTimeout:
		return fmt.Errorf("the timeout of %s is out of range: it must be at least 1 ms and at most 24 h", formatTimeout(timeout))
	}
	return nil
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
