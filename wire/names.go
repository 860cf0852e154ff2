package wire

import (
	"fmt"
	"regexp"
)

// The exchanges. All are durable.
const (
	// CallExchange is the topic exchange of all requests. The routing key is
	// the name of the worker queue.
	CallExchange = "mqrpc.rpc"
	// ReplyExchange is the topic exchange of all replies. The routing key is
	// the name of the reply queue.
	ReplyExchange = "mqrpc.replies"
	// RegistryExchange is the fanout exchange of announcements and of changes
	// of APIs.
	RegistryExchange = "mqrpc.registry"
)

// The values of the AMQP property type.
const (
	// TypeCall marks a message whose body is a CallBatch.
	TypeCall = "mqrpc.call.v1"
	// TypeReply marks a message whose body is a ReplyBatch.
	TypeReply = "mqrpc.reply.v1"
	// TypeAnnouncement marks a message whose body is an Announcement.
	TypeAnnouncement = "mqrpc.announcement.v1"
	// TypeChange marks a message whose body is the Api after a change.
	TypeChange = "mqrpc.change.v1"
)

// DescribeMethod is the built-in method that every worker has. Names that begin
// with "mqrpc." are reserved for such methods.
const DescribeMethod = "mqrpc.Describe"

// Limits on names, in bytes. With them a queue's name stays far below AMQP's
// 255 bytes.
const (
	MaxModuleBytes  = 100
	MaxVersionBytes = 50
	MaxMethodBytes  = 255
)

var (
	modulePattern  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
)

// WorkerQueue is the name of the queue that serves (module, version).
// A version holds no "_", so the name says both without doubt.
func WorkerQueue(module, version string) string { return "server_" + module + "_" + version }

// ReplyQueue is the name of the reply queue of the client with that id.
func ReplyQueue(client string) string { return "reply_" + client }

// RegistryQueue is the name of the queue on which the process with that id
// hears announcements and changes.
func RegistryQueue(listener string) string { return "registry_" + listener }

// CheckModule returns an error that says what is wrong with a module's name,
// nil when nothing is.
func CheckModule(module string) error {
	switch {
	case module == "":
		return fmt.Errorf("the module is missing")
	case len(module) > MaxModuleBytes:
		return fmt.Errorf("the module has %d bytes, more than %d", len(module), MaxModuleBytes)
	case !modulePattern.MatchString(module):
		return fmt.Errorf(`module %q is invalid: it must begin with a letter and hold letters, digits, "_" and "-" only`, module)
	}
	return nil
}

// CheckVersion returns an error that says what is wrong with a version's name,
// nil when nothing is.
func CheckVersion(version string) error {
	switch {
	case version == "":
		return fmt.Errorf("the version is missing")
	case len(version) > MaxVersionBytes:
		return fmt.Errorf("the version has %d bytes, more than %d", len(version), MaxVersionBytes)
	case !versionPattern.MatchString(version):
		return fmt.Errorf(`version %q is invalid: it must hold letters, digits, "-" and single dots between them only`, version)
	}
	return nil
}

// CheckMethod returns an error that says what is wrong with a method's name,
// which must have the form Service.Method; nil when nothing is.
func CheckMethod(method string) error {
	switch {
	case method == "":
		return fmt.Errorf("the method is missing")
	case len(method) > MaxMethodBytes:
		return fmt.Errorf("the method has %d bytes, more than %d", len(method), MaxMethodBytes)
	case !validMethod(method):
		return fmt.Errorf("method %q is invalid: it must have the form Service.Method", method)
	}
	return nil
}

// validMethod is written out because every received call passes it.
func validMethod(method string) bool {
	dots, start := 0, true
	for i := range len(method) {
		c := method[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= '0' && c <= '9' && !start:
			start = false
		case c == '.' && !start:
			dots++
			start = true
		default:
			return false
		}
	}
	return dots == 1 && !start
}
