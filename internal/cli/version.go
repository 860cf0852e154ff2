package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(command.OutOrStdout(), versionText(debug.ReadBuildInfo()))
			return err
		},
	}
}

// versionText is what the program was built from, in one line.
func versionText(build *debug.BuildInfo, ok bool) string {
	if !ok {
		return "mqrpc (unknown version)"
	}
	version := build.Main.Version
	if version == "" {
		version = "(devel)"
	}
	text := "mqrpc " + version
	settings := map[string]string{}
	for _, setting := range build.Settings {
		settings[setting.Key] = setting.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		text += " " + revision[:min(12, len(revision))]
		if settings["vcs.modified"] == "true" {
			text += "+changes"
		}
	}
	return text + " " + build.GoVersion + " " + settings["GOOS"] + "/" + settings["GOARCH"]
}
