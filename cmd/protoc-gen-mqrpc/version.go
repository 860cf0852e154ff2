package main

import (
	"runtime/debug"
	"strings"
)

// develVersion stands for every build that is not of a release.
const develVersion = "(devel)"

// buildVersion is the version as the Go toolchain knows it, for people.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return develVersion
	}
	return info.Main.Version
}

// releaseVersion is the version for the header of generated files. It must not
// change with every commit, or the generated files of this repository would:
// so a build from a checkout, whatever its state, is develVersion, and only a
// build from a module's zip (go install ...@v1.2.3, go tool) has a number.
func releaseVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || isCheckout(info) {
		return develVersion
	}
	return info.Main.Version
}

func isCheckout(info *debug.BuildInfo) bool {
	for _, setting := range info.Settings {
		if strings.HasPrefix(setting.Key, "vcs") {
			return true
		}
	}
	return false
}
