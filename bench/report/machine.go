package report

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
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
	model, err := cpuModel(ctx)
	if err != nil {
		return Machine{}, err
	}
	kernel, err := kernel(ctx)
	if err != nil {
		return Machine{}, err
	}
	machine := Machine{
		Cores:    runtime.NumCPU(),
		CPU:      model,
		Kernel:   kernel,
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

// cpuModel is the first processor's name.
func cpuModel(ctx context.Context) (string, error) {
	processors, err := cpu.InfoWithContext(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("the processor: %w", err)
	case len(processors) == 0:
		return "", errors.New("the processor is unknown")
	}
	return processors[0].ModelName, nil
}

// kernel is such as "Linux 6.18".
func kernel(ctx context.Context) (string, error) {
	release, err := host.KernelVersionWithContext(ctx)
	if err != nil {
		return "", fmt.Errorf("the kernel's version: %w", err)
	}
	major, rest, _ := strings.Cut(release, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return "Linux " + major + "." + minor, nil
}
