package contract

import (
	"time"

	"google.golang.org/protobuf/types/descriptorpb"
)

// The limits of a contract. Contracts come from workers, files and registries,
// which all are strangers: whoever reads one holds it to these.
const (
	// MaxBytes bounds a contract's encoded files, and any message that carries
	// them.
	MaxBytes = 4 << 20
	// MaxFiles bounds the number of files, imports among them.
	MaxFiles = 2000
	// MaxFileNameBytes bounds the name of a file.
	MaxFileNameBytes = 1024
	// MaxNameBytes bounds the full name of everything that a file declares, and
	// every name that refers to one.
	MaxNameBytes = 512
	// MaxDepth bounds how deep messages nest, as protoc does.
	MaxDepth = 32
	// MaxElements bounds what all files declare together: messages, fields,
	// oneofs, enums and their values, extensions, services, methods, and what is
	// reserved.
	MaxElements = 50_000
	// MaxPublicImports bounds the ways by which a file reaches others through
	// public imports, of all files together. The linker walks each of them.
	MaxPublicImports = 100_000
)

// MinTimeout and MaxTimeout bound the timeouts of contracts and policies.
const (
	MinTimeout = time.Millisecond
	MaxTimeout = 24 * time.Hour
)

// MinimumEdition and MaximumEdition bound the editions of .proto files.
const (
	MinimumEdition = descriptorpb.Edition_EDITION_PROTO2
	MaximumEdition = descriptorpb.Edition_EDITION_2024
)
