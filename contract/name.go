package contract

import (
	"fmt"
	"regexp"
)

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

// CheckModule returns an error that says what is wrong with a module's name,
// nil when nothing is. "mqrpc" and "all" are words of routing keys.
func CheckModule(module string) error {
	switch {
	case module == "":
		return fmt.Errorf("the module is missing")
	case len(module) > MaxModuleBytes:
		return fmt.Errorf("the module has %d bytes, more than %d", len(module), MaxModuleBytes)
	case module == "mqrpc" || module == "all":
		return fmt.Errorf("module %q is reserved", module)
	case !modulePattern.MatchString(module):
		return fmt.Errorf(`module %q is invalid: it must begin with a letter and hold letters, digits, "_" and "-" only`, module)
	}
	return nil
}

// CheckVersion returns an error that says what is wrong with a version's name,
// nil when nothing is. "all" is a word of routing keys.
func CheckVersion(version string) error {
	switch {
	case version == "":
		return fmt.Errorf("the version is missing")
	case len(version) > MaxVersionBytes:
		return fmt.Errorf("the version has %d bytes, more than %d", len(version), MaxVersionBytes)
	case version == "all":
		return fmt.Errorf("version %q is reserved", version)
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
