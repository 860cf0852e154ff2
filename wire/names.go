package wire

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

// ProbeKey is a routing key that no worker queue and no reply queue has. A tap
// binds it besides what it wants to hear, so that senders can learn that it
// listens.
const ProbeKey = "mqrpc.probe"

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
	// TypeProbe marks an empty message that asks whether a tap listens.
	TypeProbe = "mqrpc.probe.v1"
)

// DescribeMethod is the built-in method that every worker has. Names that begin
// with "mqrpc." are reserved for such methods.
const DescribeMethod = "mqrpc.Describe"

// WorkerQueue is the name of the queue that serves (module, version).
// A version holds no "_", so the name says both without doubt.
func WorkerQueue(module, version string) string { return "server_" + module + "_" + version }

// ReplyQueue is the name of the reply queue of the client with that id.
func ReplyQueue(client string) string { return "reply_" + client }

// RegistryQueue is the name of the queue on which the process with that id
// hears announcements and changes.
func RegistryQueue(listener string) string { return "registry_" + listener }
