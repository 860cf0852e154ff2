package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// configFlag names the YAML file.
const configFlag = "config"

// load fills the options in. A flag wins over the environment, which wins over
// the file, which wins over the default. Environment variables that are empty
// count as not set.
func load(options []option, flags *pflag.FlagSet, environ func() []string) error {
	k := koanf.New(".")
	if path := configPath(flags, environ()); path != "" {
		if err := loadFile(k, options, path); err != nil {
			return fmt.Errorf("config file %s: %w", path, err)
		}
	}
	if err := k.Load(env.Provider("", env.Opt{
		Prefix:        envPrefix,
		EnvironFunc:   environ,
		TransformFunc: fromEnv(options),
	}), nil); err != nil {
		return err
	}
	if err := k.Load(posflag.Provider(flags, "", k), nil); err != nil {
		return err
	}
	for _, o := range options {
		if err := assign(flags.Lookup(o.name).Value, k.Get(o.name)); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

// configPath is the file that the flag or the environment names.
func configPath(flags *pflag.FlagSet, environ []string) string {
	flag := flags.Lookup(configFlag)
	switch {
	case flag == nil:
		return "" // the file is the gateway's
	case flag.Changed:
		return flag.Value.String()
	}
	for _, variable := range environ {
		if path, ok := strings.CutPrefix(variable, envPrefix+"CONFIG="); ok {
			return path
		}
	}
	return ""
}

// loadFile reads the YAML file and refuses keys that are no options.
func loadFile(k *koanf.Koanf, options []option, path string) error {
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return err
	}
	var unknown []error
	for _, key := range k.Keys() {
		if !slices.ContainsFunc(options, func(o option) bool { return o.name == key }) {
			unknown = append(unknown, fmt.Errorf("unknown key %q", key))
		}
	}
	return errors.Join(unknown...)
}

// fromEnv turns an environment variable into the option that it is for. Others
// are ignored: the prefix is not the gateway's alone.
func fromEnv(options []option) func(name, value string) (string, any) {
	return func(name, value string) (string, any) {
		for _, o := range options {
			if o.env() == name && value != "" {
				return o.name, value
			}
		}
		return "", nil
	}
}

// assign gives an option what one of its sources holds. All of them are parsed
// as the flag is.
func assign(to pflag.Value, given any) error {
	list, isList := to.(pflag.SliceValue)
	switch given := given.(type) {
	case nil:
		return nil
	case []string:
		return list.Replace(given)
	case []any:
		if !isList {
			return errors.New("it is a list; one value is wanted")
		}
		texts := make([]string, len(given))
		for i, one := range given {
			texts[i] = fmt.Sprint(one)
		}
		return list.Replace(texts)
	case map[string]any:
		return errors.New("it has keys of its own; a value is wanted")
	case string:
		if isList {
			return list.Replace(strings.Split(given, ","))
		}
		return to.Set(given)
	default:
		if isList {
			return list.Replace([]string{fmt.Sprint(given)})
		}
		return to.Set(fmt.Sprint(given))
	}
}
