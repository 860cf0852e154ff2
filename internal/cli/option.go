package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// envPrefix begins the names of all environment variables.
const envPrefix = "MQRPC_"

// option is one setting. It is defined once and can be given in three ways, for
// example as the flag --amqp-url, as the environment variable MQRPC_AMQP_URL
// and as the key amqp-url of the YAML file.
type option struct {
	// name is the name of the flag and the YAML key.
	name string
	// value points to where the value goes, which holds the default.
	value any
	// usage says what it is for.
	usage string
	// secret values are masked when the configuration is shown.
	secret bool
	// mask hides the secret in a value. Nil: maskURL.
	mask func(string) string
	// zero is set where zero has a meaning. Elsewhere numbers and durations
	// must be greater.
	zero bool
}

// env is the name of the option's environment variable.
func (o option) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// addTo defines the option's flag.
func (o option) addTo(flags *pflag.FlagSet) {
	usage := o.usage + " ($" + o.env() + ")"
	switch value := o.value.(type) {
	case *string:
		flags.StringVar(value, o.name, *value, usage)
	case *[]string:
		flags.StringSliceVar(value, o.name, *value, usage)
	case *bool:
		flags.BoolVar(value, o.name, *value, usage)
	case *int:
		flags.IntVar(value, o.name, *value, usage)
	case *int64:
		flags.Int64Var(value, o.name, *value, usage)
	case *time.Duration:
		flags.DurationVar(value, o.name, *value, usage)
	default:
		panic(fmt.Sprintf("option %s has a value of type %T", o.name, value))
	}
}

// check refuses values that make no sense for any option.
func (o option) check() error {
	var sign int64
	switch value := o.value.(type) {
	case *int:
		sign = int64(*value)
	case *int64:
		sign = *value
	case *time.Duration:
		sign = int64(*value)
	default:
		return nil
	}
	if sign < 0 || sign == 0 && !o.zero {
		return fmt.Errorf("%s must be greater than zero", o.name)
	}
	return nil
}
