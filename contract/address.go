package contract

import (
	"fmt"
	"strings"
)

// Address names an API and perhaps something in it.
type Address struct {
	Key

	// Element is a method, a service, a message or an enum; empty for the API
	// itself.
	Element string
}

// ParseAddress reads "wxapp/1.0" and "wxapp/1.0/WxappManager.SessionKey". As
// with grpcurl, a slash may part the service from the method.
func ParseAddress(text string) (Address, error) {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) < 2 {
		return Address{}, fmt.Errorf("%q names no API: write module/version, for example wxapp/1.0", text)
	}
	address := Address{Key: Key{Module: parts[0], Version: parts[1]}}
	if err := address.Check(); err != nil {
		return Address{}, fmt.Errorf("%q: %w", text, err)
	}
	if len(parts) == 3 {
		address.Element = strings.ReplaceAll(parts[2], "/", ".")
		if address.Element == "" {
			return Address{}, fmt.Errorf("%q ends with a slash: leave it out, or name a method after it", text)
		}
	}
	return address, nil
}

// String is the address as [ParseAddress] reads it.
func (a Address) String() string {
	if a.Element == "" {
		return a.Key.String()
	}
	return a.Key.String() + "/" + a.Element
}
