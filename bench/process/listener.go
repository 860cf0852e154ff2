package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listener is the process that listens on a TCP port of this machine.
func Listener(port int) (pid int, err error) {
	var sockets []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		found, err := listening(table, port)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		sockets = append(sockets, found...)
	}
	if len(sockets) == 0 {
		return 0, fmt.Errorf("nothing listens on port %d of this machine", port)
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, err
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && slices.Contains(sockets, target) {
			return strconv.Atoi(strings.Split(link, "/")[2])
		}
	}
	return 0, fmt.Errorf("no process that may be looked into listens on port %d", port)
}

// Name is the name of a process's program, at most 15 characters of it.
func Name(pid int) (string, error) {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(name), "\n"), err
}

// listening returns the sockets, as /proc/PID/fd names them, that listen on a
// port, from a table such as /proc/net/tcp.
func listening(table string, port int) ([]string, error) {
	const (
		local, state, inode = 1, 3, 9 // columns
		listen              = "0A"    // a state
	)
	file, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var sockets []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > inode && fields[state] == listen && strings.HasSuffix(fields[local], fmt.Sprintf(":%04X", port)) {
			sockets = append(sockets, "socket:["+fields[inode]+"]")
		}
	}
	return sockets, lines.Err()
}
