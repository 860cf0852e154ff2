package backend

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// The kinds of registries.
const (
	kindNone      = "none"
	kindSQLite    = "sqlite"
	kindPostgres  = "postgres"
	kindZooKeeper = "zookeeper"
	kindEtcd      = "etcd"
	kindEtcdTLS   = "etcds"
)

// Forms says how a registry may be named, for help and errors.
const Forms = "sqlite:PATH, postgres://…, zookeeper://host:port,…/root, etcd://host:port,…/prefix, etcds://… or none"

// Location is where a registry is. Make it with [Parse].
type Location struct {
	kind               string
	path               string   // SQLite's file, ZooKeeper's root, etcd's prefix
	url                string   // PostgreSQL's, with the password
	servers            []string // of ZooKeeper and etcd
	username, password string
}

// Parse reads the name of a registry, in one of [Forms]. Its errors do not show
// what was given, which may hold a password.
func Parse(text string) (Location, error) {
	scheme, rest, found := strings.Cut(text, ":")
	switch {
	case text == kindNone:
		return Location{kind: kindNone}, nil
	case text == "":
		return Location{}, errors.New("the registry is missing: give one of " + Forms)
	case found && scheme == kindSQLite:
		return parseSQLite(rest)
	case found && (scheme == kindPostgres || scheme == "postgresql"):
		return parsePostgres(text)
	case found && (scheme == kindZooKeeper || scheme == kindEtcd || scheme == kindEtcdTLS):
		return parseServers(scheme, rest)
	case !found:
		return Location{}, errors.New("the registry has no scheme: give one of " + Forms)
	default:
		return Location{}, fmt.Errorf("the registry's scheme %q is unknown: give one of %s", scheme, Forms)
	}
}

func parseSQLite(rest string) (Location, error) {
	path := strings.TrimPrefix(rest, "//") // sqlite:///var/lib/… is the same
	if path == "" {
		return Location{}, errors.New("the registry's file is missing: write sqlite:PATH")
	}
	return Location{kind: kindSQLite, path: path}, nil
}

func parsePostgres(text string) (Location, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" && parsed.RawQuery == "" {
		// The error of url.Parse would show all of it.
		return Location{}, errors.New("the registry's URL is malformed: write postgres://user:password@host/database, " +
			"with special characters of the password percent-encoded")
	}
	return Location{kind: kindPostgres, url: text}, nil
}

// parseServers reads what follows the scheme of "scheme://user:password@host:port,host:port/path",
// which net/url does not take because of the list.
func parseServers(kind, rest string) (Location, error) {
	rest, found := strings.CutPrefix(rest, "//")
	authority, path, _ := strings.Cut(rest, "/")
	location := Location{kind: kind}
	if path != "" {
		location.path = "/" + path
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, err := url.Parse("//" + authority[:at] + "@host")
		if err != nil {
			return Location{}, fmt.Errorf("the registry's user and password are malformed: write %s://user:password@host:port, "+
				"with special characters percent-encoded", kind)
		}
		location.username = user.User.Username()
		location.password, _ = user.User.Password()
		authority = authority[at+1:]
	}
	for server := range strings.SplitSeq(authority, ",") {
		if server == "" || !found {
			return Location{}, fmt.Errorf("the registry's servers are missing: write %s://host:port,host:port/path", kind)
		}
		location.servers = append(location.servers, server)
	}
	return location, nil
}

// IsNone reports whether there is no registry.
func (l Location) IsNone() bool { return l.kind == kindNone }

// String names the registry for people, without its password.
func (l Location) String() string {
	switch l.kind {
	case kindSQLite:
		return kindSQLite + ":" + l.path
	case kindPostgres:
		return maskedPostgres(l.url)
	case kindZooKeeper, kindEtcd, kindEtcdTLS:
		user := ""
		if l.username != "" {
			user = l.username + ":***@"
		}
		return l.kind + "://" + user + strings.Join(l.servers, ",") + l.path
	default:
		return l.kind
	}
}

// maskedPostgres takes the password out, wherever it is.
func maskedPostgres(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return kindPostgres + "://***"
	}
	shown := parsed.Scheme + "://"
	if parsed.User != nil {
		shown += parsed.User.Username()
		if _, has := parsed.User.Password(); has {
			shown += ":***"
		}
		shown += "@"
	}
	return shown + parsed.Host + parsed.Path // not the query, which may hold one, too
}
