package registry

import "errors"

// The errors of stores, notifiers and all that uses them. They come wrapped,
// with what was tried; test for them with [errors.Is].
var (
	// ErrNotFound: there is no such API, or no such change of it.
	ErrNotFound = errors.New("not found in the registry")
	// ErrConflict: somebody else has changed the API since it was read. Nothing
	// was saved.
	ErrConflict = errors.New("the API has been changed by somebody else")
	// ErrInvalid: the API, its key or its policy breaks a rule or a limit.
	// Trying again does not help.
	ErrInvalid = errors.New("invalid API")
	// ErrCorrupt: what is stored cannot be read as an API.
	ErrCorrupt = errors.New("the stored API is damaged")
	// ErrIncompatible: the new contract breaks the stored one, see
	// [Result].Breaks. Nothing was announced or saved.
	ErrIncompatible = errors.New("the new contract breaks the stored one")
	// ErrUnavailable: the registry could not be reached or did not answer in
	// time. A write that fails with it may or may not have happened.
	ErrUnavailable = errors.New("the registry is unavailable")
	// ErrClosed: the store or notifier is closed.
	ErrClosed = errors.New("the registry is closed")
)

// Classified reports whether an error already is one of those that stores and
// notifiers return, so that a backend need not find out which it means.
func Classified(err error) bool {
	for _, known := range []error{ErrNotFound, ErrConflict, ErrInvalid, ErrCorrupt, ErrUnavailable, ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
