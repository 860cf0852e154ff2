package cli

import (
	"path/filepath"
	"strings"

	"github.com/mqrpc/mqrpc/internal/cli/backend"
)

// The options that say where the registry is and how its changes are made known.
const (
	registryOption = "registry"
	notifyOption   = "notify"
)

// registrySettings say which registry is used.
type registrySettings struct {
	url    string
	notify string
}

// defaultRegistry is a file of the user's, or none where there is no such place.
func defaultRegistry(environ func() []string) registrySettings {
	settings := registrySettings{url: "none", notify: string(backend.Auto)}
	if dir := stateDir(environ()); dir != "" {
		settings.url = "sqlite:" + filepath.Join(dir, "registry.db")
	}
	return settings
}

// options is the table of the settings.
func (s *registrySettings) options() []option {
	return []option{
		{name: registryOption, value: &s.url, secret: true, mask: maskRegistry, usage: "where the registry is: " + backend.Forms},
		{name: notifyOption, value: &s.notify, usage: "how changes reach gateways: poll, broadcast (over RabbitMQ), watch (ZooKeeper, etcd), or auto: watch where the registry can, else broadcast"},
	}
}

// parse reads the settings.
func (s *registrySettings) parse() (backend.Location, backend.Notify, error) {
	location, err := backend.Parse(s.url)
	if err != nil {
		return location, "", &usageError{err}
	}
	notify, err := backend.ParseNotify(s.notify)
	if err != nil {
		return location, "", &usageError{err}
	}
	return location, notify, nil
}

// maskRegistry hides the password of a registry's URL.
func maskRegistry(text string) string {
	location, err := backend.Parse(text)
	if err != nil {
		return mask
	}
	return location.String()
}

// stateDir is the user's directory for what programs keep: $XDG_STATE_HOME or
// ~/.local/state, or %LocalAppData% on Windows. Empty: there is none.
func stateDir(environ []string) string {
	variables := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	switch {
	case filepath.IsAbs(variables["XDG_STATE_HOME"]):
		return filepath.Join(variables["XDG_STATE_HOME"], "mqrpc")
	case filepath.IsAbs(variables["HOME"]):
		return filepath.Join(variables["HOME"], ".local", "state", "mqrpc")
	case filepath.IsAbs(variables["LocalAppData"]):
		return filepath.Join(variables["LocalAppData"], "mqrpc")
	default:
		return ""
	}
}
