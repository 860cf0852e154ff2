package wire

import (
	"errors"
	"fmt"
	"strings"
)

// The exchanges, by PROTOCOL.md section 2. All are topic exchanges and durable.
const (
	// CallsExchange carries calls, under [APIKey].
	CallsExchange = "mqrpc.calls"
	// RepliesExchange carries replies, and claims that were asked for, under
	// [ReplyKey].
	RepliesExchange = "mqrpc.replies"
	// AnnouncementsExchange carries claims, under [APIKey], and heartbeats, under
	// [ModuleKey].
	AnnouncementsExchange = "mqrpc.announcements"
	// ChangesExchange carries changes of APIs, under [APIKey].
	ChangesExchange = "mqrpc.changes"
	// ControlExchange carries what clients tell instances, under [ControlKey],
	// [AllInstancesKey] or [DiscoverAllKey].
	ControlExchange = "mqrpc.control"
)

// Exchanges lists all of them.
func Exchanges() []string {
	return []string{CallsExchange, RepliesExchange, AnnouncementsExchange, ChangesExchange, ControlExchange}
}

// The values of the AMQP property type, by PROTOCOL.md section 3.
const (
	TypeCall      = "mqrpc.call.v1"      // a CallBatch
	TypeReply     = "mqrpc.reply.v1"     // a ReplyBatch
	TypeClaim     = "mqrpc.claim.v1"     // a Claim
	TypeHeartbeat = "mqrpc.heartbeat.v1" // a Heartbeat
	TypeDiscover  = "mqrpc.discover.v1"  // a Discover
	TypeCancel    = "mqrpc.cancel.v1"    // a Cancel
	TypeAdmission = "mqrpc.admission.v1" // an Admission
	TypeChange    = "mqrpc.change.v1"    // an Api, after the change
)

// The words of routing keys that no module, version, client or instance has.
const (
	reservedWord = "mqrpc"
	allWord      = "all"
)

// DiscoverAllKey is the key of a question to the instances of all APIs.
const DiscoverAllKey = reservedWord + "." + allWord + "." + allWord

// DescribeMethod is the built-in method that every worker has. Names that begin
// with [BuiltinPrefix] are reserved for such methods.
const DescribeMethod = BuiltinPrefix + "Describe"

// BuiltinPrefix begins the names of built-in methods.
const BuiltinPrefix = "mqrpc."

// WorkerQueue is the name of the queue that serves (module, version). A version
// holds no "_", so the name says both without doubt.
func WorkerQueue(module, version string) string { return "server_" + module + "_" + version }

// ReplyQueue is the name of a client's reply queue.
func ReplyQueue(client string) string { return "reply_" + client }

// InstanceQueue is the name of the queue on which an instance is told things.
func InstanceQueue(instance string) string { return "instance_" + instance }

// ListenerQueue is the name of the queue on which a process hears of APIs and
// instances.
func ListenerQueue(client string) string { return "listener_" + client }

// APIKey is the routing key of an API: its dots become "_", so that the version
// is one word.
func APIKey(module, version string) string { return module + "." + versionWord(version) }

// ModuleKey is the routing key of heartbeats, which speak of all versions of a
// module.
func ModuleKey(module string) string { return module + "." + allWord }

// ReplyKey is the routing key of replies to a client from an API.
func ReplyKey(client, module, version string) string {
	return client + "." + APIKey(module, version)
}

// ReplyPattern is what a client's reply queue is bound with.
func ReplyPattern(client string) string { return client + ".*.*" }

// ControlKey is the routing key of what is told one instance of an API.
func ControlKey(module, version, instance string) string {
	return APIKey(module, version) + "." + instance
}

// AllInstancesKey is the routing key of what is told all instances of an API.
func AllInstancesKey(module, version string) string {
	return APIKey(module, version) + "." + allWord
}

// AnsweredAPI returns the part of a reply's routing key that names the API, as
// [APIKey] writes it. It fails if the key is not one of that client's.
func AnsweredAPI(routingKey, client string) (apiKey string, err error) {
	apiKey, ours := strings.CutPrefix(routingKey, client+".")
	if !ours || strings.Count(apiKey, ".") != 1 {
		return "", fmt.Errorf("the routing key %.255q is none of client %s", routingKey, client)
	}
	return apiKey, nil
}

// MaxWordBytes is the longest name of a client or an instance. With it every
// routing key and queue fits AMQP's 255 bytes.
const MaxWordBytes = 64

// CheckWord returns an error that says what is wrong with the name of a client or
// an instance, nil when nothing is.
func CheckWord(word string) error {
	switch {
	case word == "":
		return errors.New("the name is missing")
	case len(word) > MaxWordBytes:
		return fmt.Errorf("the name has %d bytes, more than %d", len(word), MaxWordBytes)
	case word == reservedWord || word == allWord:
		return fmt.Errorf("the name %q is reserved", word)
	}
	for i := range len(word) {
		if c := word[i]; !isWordByte(c) {
			return fmt.Errorf(`the name %q is invalid: it must hold letters, digits and "-" only`, word)
		}
	}
	return nil
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
}

// versionWord writes a version as one word. A version holds no "_", so this can
// be undone.
func versionWord(version string) string { return strings.ReplaceAll(version, ".", "_") }
