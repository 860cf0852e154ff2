package gateway

import "github.com/mqrpc/mqrpc/catalog"

// These types live in package catalog. The names go as soon as package dynamic,
// their last user, does.
type (
	API            = catalog.API
	Calls          = catalog.Calls
	RegistryHealth = catalog.RegistryHealth
)

// Likewise.
var (
	ErrUnknownModule  = catalog.ErrUnknownModule
	ErrUnknownVersion = catalog.ErrUnknownVersion
)
