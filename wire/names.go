package wire

// What follows is of the protocol before its five exchanges, and goes when
// nothing uses it any more.
const (
	CallExchange     = "mqrpc.rpc"
	ReplyExchange    = "mqrpc.replies"
	RegistryExchange = "mqrpc.registry"

	TypeAnnouncement = "mqrpc.announcement.v1"
)

// RegistryQueue is the name of the queue on which the process with that id
// hears announcements and changes.
func RegistryQueue(listener string) string { return "registry_" + listener }
