package backend

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/broadcast"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// Notify says how changes are made known to gateways.
type Notify string

// The ways.
const (
	// Auto is Watch where the registry can, else Broadcast.
	Auto Notify = "auto"
	// Poll leaves it to the gateways' slow poll.
	Poll Notify = "poll"
	// Broadcast sends every change over RabbitMQ.
	Broadcast Notify = "broadcast"
	// Watch lets the registry itself tell.
	Watch Notify = "watch"
)

// ParseNotify reads the name of a way.
func ParseNotify(text string) (Notify, error) {
	ways := []string{string(Auto), string(Poll), string(Broadcast), string(Watch)}
	if slices.Contains(ways, text) {
		return Notify(text), nil
	}
	return "", fmt.Errorf("notify is %q; it must be one of %s", text, strings.Join(ways, ", "))
}

// For is the way for a registry at this location: Auto becomes what it stands
// for. It fails where a registry cannot do what is asked.
func (n Notify) For(location Location) (Notify, error) {
	watches := location.kind == kindZooKeeper || location.kind == kindEtcd || location.kind == kindEtcdTLS
	switch {
	case n == Watch && !watches:
		return "", fmt.Errorf("notify is watch, but a registry of the kind %s cannot be watched: use broadcast or poll", location.kind)
	case location.IsNone():
		return Poll, nil
	case n == Auto && watches:
		return Watch, nil
	case n == Auto:
		return Broadcast, nil
	}
	return n, nil
}

// Notifier returns the notifier for a way that [Notify.For] has returned; nil for
// Poll. The transport is used by Broadcast alone. The backend closes the
// notifier, the caller the transport after that.
func (b *Backend) Notifier(way Notify, conn transport.Transport, logger *slog.Logger) (registry.Notifier, error) {
	switch way {
	case Watch:
		return b.watching, nil
	case Broadcast:
		notifier, err := broadcast.New(broadcast.Config{Transport: conn, Logger: logger})
		if err != nil {
			return nil, err
		}
		b.opened = append(b.opened, notifier)
		return notifier, nil
	default:
		return nil, nil
	}
}
