// Package architecture tests which package may depend on which, all the way
// down: what a user's program pulls in when it imports one of them. The rules
// for direct imports are golangci-lint's (depguard).
package architecture
