package report

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Machine is what the figures are of.
type Machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Versions are those of brokers and peers.
	Versions []Version `json:"versions"`
}

// Version is that of a broker or peer.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// peerModules are the modules whose versions a reader wants to know.
var peerModules = []string{
	"github.com/rabbitmq/amqp091-go", "google.golang.org/grpc", "connectrpc.com/connect", "github.com/nats-io/nats.go",
	"github.com/grpc-ecosystem/grpc-gateway/v2", "google.golang.org/protobuf",
}

// ThisMachine describes this machine, a RabbitMQ and a nats-server program.
func ThisMachine(ctx context.Context, rabbitURL, natsServer string) (Machine, error) {
	rabbit, err := rabbitVersion(rabbitURL)
	if err != nil {
		return Machine{}, err
	}
	nats, err := natsVersion(ctx, natsServer)
	if err != nil {
		return Machine{}, err
	}
	machine := Machine{
		Cores:    runtime.NumCPU(),
		CPU:      firstOf("/proc/cpuinfo", "model name"),
		Kernel:   kernel(),
		Go:       runtime.Version(),
		Versions: []Version{{"RabbitMQ", rabbit}, {"nats-server", nats}},
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return Machine{}, errors.New("this program does not know its modules")
	}
	for _, path := range peerModules {
		i := slices.IndexFunc(build.Deps, func(m *debug.Module) bool { return m.Path == path })
		if i >= 0 {
			machine.Versions = append(machine.Versions, Version{path, build.Deps[i].Version})
		}
	}
	return machine, nil
}

func rabbitVersion(url string) (string, error) {
	connection, err := amqp.Dial(url)
	if err != nil {
		return "", fmt.Errorf("RabbitMQ: %w", err)
	}
	defer connection.Close()
	return fmt.Sprint(connection.Properties["version"]), nil
}

func natsVersion(ctx context.Context, program string) (string, error) {
	output, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("nats-server: %w", err)
	}
	words := strings.Fields(string(output)) // nats-server: v2.15.2
	if len(words) == 0 {
		return "", errors.New("nats-server says no version")
	}
	return strings.TrimPrefix(words[len(words)-1], "v"), nil
}

// firstOf is the value of the first "key: value" line in a file.
func firstOf(path, key string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// kernel is such as "Linux 6.18".
func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	parts := strings.SplitN(string(release), ".", 3)
	if err != nil || len(parts) < 3 {
		return "Linux"
	}
	return "Linux " + parts[0] + "." + parts[1]
}
