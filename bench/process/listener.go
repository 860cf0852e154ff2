package process

import (
	"fmt"
	"os"
	"strings"

	"github.com/shirou/gopsutil/v4/net"
)

// Listener is the process that listens on a TCP port of this machine.
func Listener(port int) (pid int, err error) {
	connections, err := net.ConnectionsWithoutUids("tcp")
	if err != nil {
		return 0, fmt.Errorf("list this machine's connections: %w", err)
	}
	for _, c := range connections {
		// Of a process that may not be looked into there is no id.
		if c.Status == "LISTEN" && int(c.Laddr.Port) == port && c.Pid != 0 {
			return int(c.Pid), nil
		}
	}
	return 0, fmt.Errorf("no process that may be looked into listens on port %d of this machine", port)
}

// Name is the name of a process's program, at most 15 characters of it.
func Name(pid int) (string, error) {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(name), "\n"), err
}
