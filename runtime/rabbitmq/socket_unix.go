//go:build unix

package rabbitmq

import "syscall"

// writeSocket writes what a socket takes without waiting and returns how much
// that was. A failure comes again when somebody waits.
func writeSocket(fd uintptr, p []byte) int {
	n, _ := syscall.Write(int(fd), p)
	return max(n, 0)
}
