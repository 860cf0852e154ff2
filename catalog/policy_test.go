package catalog_test

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/catalog"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"

	"github.com/mqrpc/mqrpc/transcode"
)

// withPolicy is the example's API under a policy.
func withPolicy(policy *mqrpcv1.Policy) *catalog.API {
	return &catalog.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{wxappv1.WxappManager_Service}, Policy: policy}
}

func TestPolicyProblems(t *testing.T) {
	api := withPolicy(&mqrpcv1.Policy{
		DefaultResponses: map[string]string{
			"WxappManager.SessionKey": `{"SessionKey":1}`,
			"WxappManager.Gone":       "{}",
			"*":                       "{}",
		},
		Methods: map[string]*mqrpcv1.MethodPolicy{"WxappManager.Lost": {}},
	})
	told := errors.Join(api.PolicyProblems(transcode.Options{})...)
	for _, name := range []string{"WxappManager.SessionKey", "WxappManager.Gone", "WxappManager.Lost"} {
		if told == nil || !strings.Contains(told.Error(), name) {
			t.Errorf("nothing is said about %s in: %v", name, told)
		}
	}
	if problems := api.PolicyProblems(transcode.Options{}); len(problems) != 3 {
		t.Errorf("got %d problems, want 3: %v", len(problems), told)
	}
	if problems := withPolicy(nil).PolicyProblems(transcode.Options{}); len(problems) != 0 {
		t.Errorf("no policy has problems: %v", problems)
	}
}

// TestPolicyProblemsOfAHostileContract: what is looked at grows with the
// contract, even if every method answers with another message that reaches all
// others; what is said has a bound.
func TestPolicyProblemsOfAHostileContract(t *testing.T) {
	const count = 400
	once, twice := problemsOfRing(t, count), problemsOfRing(t, 2*count)
	if twice > 3*once {
		t.Errorf("%d methods take %d allocations, %d take %d: want no more than thrice", count, once, 2*count, twice)
	}
}

// problemsOfRing checks a policy against that many methods, and returns how many
// allocations it takes.
func problemsOfRing(t *testing.T, count int) uint64 {
	t.Helper()
	api := ring(t, count)
	api.Policy = &mqrpcv1.Policy{DefaultResponses: map[string]string{"*": `{"unknown":1}`}}
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	problems := api.PolicyProblems(transcode.Options{})
	goruntime.ReadMemStats(&after)
	if len(problems) != 101 || !strings.Contains(problems[100].Error(), fmt.Sprintf("%d more", count-100)) {
		t.Errorf("of %d methods: %d problems, the last is: %v", count, len(problems), problems[len(problems)-1])
	}
	return after.Mallocs - before.Mallocs
}

// TestLargeDefaultResponseOfAHostileContract: how much JSON is read has a bound.
func TestLargeDefaultResponseOfAHostileContract(t *testing.T) {
	api := ring(t, 400)
	api.Policy = &mqrpcv1.Policy{DefaultResponses: map[string]string{"*": "{}" + strings.Repeat(" ", 64<<10-2)}}
	if problems := api.PolicyProblems(transcode.Options{}); len(problems) != 1 || !strings.Contains(problems[0].Error(), "144 methods are too large") {
		t.Errorf("got %v", problems)
	}
}

// ring is an API of methods with a message each, of which each holds the next.
func ring(t *testing.T, count int) *catalog.API {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("ring.proto"), Syntax: proto.String("proto3")}
	for i := range count {
		file.MessageType = append(file.GetMessageType(), &descriptorpb.DescriptorProto{
			Name: proto.String(fmt.Sprintf("M%d", i)),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("next"), Number: proto.Int32(1), TypeName: proto.String(fmt.Sprintf(".M%d", (i+1)%count)),
				Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		})
	}
	linked, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	service := &runtime.Service{}
	for i := range count {
		service.Methods = append(service.Methods, &runtime.Method{
			Module: "m", Version: "1", Name: fmt.Sprintf("S.M%d", i), Response: dynamicpb.NewMessage(linked.Messages().Get(i)),
		})
	}
	return &catalog.API{Module: "m", Version: "1", Services: []*runtime.Service{service}}
}
