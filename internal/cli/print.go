package cli

import (
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
)

// printConfig writes the options as the YAML file that gives the same
// configuration, but for its secrets.
func printConfig(out io.Writer, options []option) error {
	values := map[string]any{}
	for _, o := range options {
		values[o.name] = o.printable()
	}
	text, err := yaml.Parser().Marshal(values)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// printable is the option's value as it may be shown.
func (o option) printable() any {
	switch value := o.value.(type) {
	case *time.Duration:
		return value.String()
	case *[]string:
		if !o.secret {
			return *value
		}
		masked := make([]string, len(*value))
		for i, text := range *value {
			masked[i] = o.masked(text)
		}
		return masked
	case *string:
		return o.masked(*value)
	case *bool:
		return *value
	case *int:
		return *value
	case *int64:
		return *value
	default:
		return nil
	}
}

// masked is a text without the secret that may be in it.
func (o option) masked(text string) string {
	switch {
	case !o.secret:
		return text
	case o.mask != nil:
		return o.mask(text)
	default:
		return maskURL(text)
	}
}

// mask stands for what is not shown.
const mask = "***"

// maskURL hides the password of a URL, and the whole when it is none.
func maskURL(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" {
		return mask
	}
	if _, ok := parsed.User.Password(); ok {
		// Not url.UserPassword, which escapes the asterisks.
		return strings.Replace(parsed.Redacted(), ":xxxxx@", ":"+mask+"@", 1)
	}
	return text
}
