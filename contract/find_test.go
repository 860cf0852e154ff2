package contract_test

import (
	"strings"
	"testing"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // types that the program has
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/printing"
	"github.com/mqrpc/mqrpc/contract/source"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
)

// examples is the import path of the example's contracts.
const examples = "../examples/wxapp/proto"

// wxapp is the API of the example's first version.
func wxapp() contract.Key { return contract.Key{Module: "wxapp", Version: "1.0"} }

// compiled is the example's contract from its .proto file.
func compiled(t *testing.T) *contract.Contract {
	t.Helper()
	set, err := source.Files{Protos: []string{examples + "/wxapp/v1/wxapp.proto"}, ImportPaths: []string{examples}}.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	api, err := contract.Find(t.Context(), wxapp(), set)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// TestRevisions: whoever compiles a contract, its revision is the same.
func TestRevisions(t *testing.T) {
	api, err := contract.Find(t.Context(), wxapp(), linked(wxappv1.File_wxapp_v1_wxapp_proto))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := compiled(t).Revision, api.Revision; got != want {
		t.Errorf("compiled here: %s, in the worker: %s", got, want)
	}
}

func TestText(t *testing.T) {
	api := compiled(t)
	text, err := printing.Services(api)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"// WxappManager keeps the sessions of a mini program's users.\nservice WxappManager {\n",
		`option (mqrpc.v1.service) = { module: "wxapp", version: "1.0" };`,
		"  // The same code gives the same key, so a call may be repeated.\n  rpc SessionKey ( SessionKeyRequest ) returns ( SessionKeyResponse ) {\n",
		"    option idempotency_level = NO_SIDE_EFFECTS;\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestFind(t *testing.T) {
	api := compiled(t)
	for name, want := range map[string]protoreflect.FullName{
		"WxappManager":                     "wxapp.v1.WxappManager",
		"WxappManager.SessionKey":          "wxapp.v1.WxappManager.SessionKey",
		"wxapp.v1.WxappManager.SessionKey": "wxapp.v1.WxappManager.SessionKey",
		"SessionKeyRequest":                "wxapp.v1.SessionKeyRequest",
		".wxapp.v1.SessionKeyRequest":      "wxapp.v1.SessionKeyRequest",
		"Duration":                         "google.protobuf.Duration",
		"FieldDescriptorProto.Type":        "google.protobuf.FieldDescriptorProto.Type",
	} {
		found, err := api.Find(name)
		if err != nil || found.FullName() != want {
			t.Errorf("%s: got %v, %v, want %s", name, found, err, want)
			continue
		}
		if text, err := printing.Element(found); err != nil || text == "" {
			t.Errorf("%s cannot be printed: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"Nothing":        `wxapp/1.0 has no service, method, message or enum "Nothing"`,
		"ServiceOptions": "may be one of google.protobuf.ServiceOptions, mqrpc.v1.ServiceOptions",
	} {
		if _, err := api.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestMethod(t *testing.T) {
	api := compiled(t)
	for _, name := range []string{"WxappManager.SessionKey", "wxapp.v1.WxappManager.SessionKey"} {
		if method, err := api.Method(name); err != nil || method.String() != "wxapp/1.0/WxappManager.SessionKey" {
			t.Errorf("%s: got %v, %v", name, method, err)
		}
	}
	_, err := api.Method("WxappManager.Nothing")
	if want := "it has WxappManager.SessionKey, WxappManager.SendMessage"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := contract.Find(t.Context(), contract.Key{Module: "wxapp", Version: "9"}, linked(wxappv1.File_wxapp_v1_wxapp_proto))
	if err == nil || !strings.Contains(err.Error(), "declare no wxapp/9; they declare wxapp/1.0") {
		t.Errorf("got %v", err)
	}
}

// TestResolver: the types of the contract are found, and those of the program.
func TestResolver(t *testing.T) {
	resolver := compiled(t).Resolver()
	for _, name := range []protoreflect.FullName{"wxapp.v1.SessionKeyRequest", "google.rpc.ErrorInfo"} {
		if found, err := resolver.FindMessageByName(name); err != nil || found.Descriptor().FullName() != name {
			t.Errorf("%s: %v", name, err)
		}
		if found, err := resolver.FindMessageByURL("type.googleapis.com/" + string(name)); err != nil || found.Descriptor().FullName() != name {
			t.Errorf("%s by URL: %v", name, err)
		}
	}
	if _, err := resolver.FindExtensionByName("mqrpc.v1.service"); err != nil {
		t.Error(err)
	}
	options := (&descriptorpb.ServiceOptions{}).ProtoReflect().Descriptor().FullName()
	if _, err := resolver.FindExtensionByNumber(options, 51200); err != nil {
		t.Error(err)
	}
	if _, err := resolver.FindMessageByName("no.Such"); err == nil {
		t.Error("an unknown type was found")
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"wxapp/1.0":                         "wxapp/1.0",
		"wxapp/1.0/WxappManager.SessionKey": "wxapp/1.0/WxappManager.SessionKey",
		"wxapp/1.0/WxappManager/SessionKey": "wxapp/1.0/WxappManager.SessionKey",
	} {
		if address, err := contract.ParseAddress(text); err != nil || address.String() != want {
			t.Errorf("%s: got %s, %v", text, address, err)
		}
	}
	for text, want := range map[string]string{
		"wxapp":      "names no API",
		"1/1.0":      `module "1" is invalid`,
		"wxapp/a_b":  `version "a_b" is invalid`,
		"wxapp/1.0/": "ends with a slash",
	} {
		if _, err := contract.ParseAddress(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
