package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

// dialect is what the databases say differently.
type dialect struct {
	name string
	// headsOf selects the heads of the keys in its only parameter: two JSON
	// arrays would be two parameters, so it is one, of pairs.
	headsOf string
	// lock keeps other processes from migrating at the same time, until the
	// transaction ends. Empty: beginning the transaction does that.
	lock string
	// begin are the options of a writing transaction.
	begin *sql.TxOptions
}

var sqlite = dialect{
	name: "sqlite",
	headsOf: `SELECT h.module, h.version, h.sequence, h.revision, h.digest, h.deleted
		FROM json_each(?1) AS k
		JOIN mqrpc_heads AS h ON h.module = k.value ->> 0 AND h.version = k.value ->> 1`,
}

var postgres = dialect{
	name: "postgres",
	headsOf: `SELECT h.module, h.version, h.sequence, h.revision, h.digest, h.deleted
		FROM jsonb_array_elements($1::jsonb) AS k
		JOIN mqrpc_heads AS h ON h.module = k ->> 0 AND h.version = k ->> 1`,
	lock: `SELECT pg_advisory_xact_lock(7260101)`, // any number that nobody else takes
}

// keysParameter is the parameter of headsOf.
func keysParameter(keys []contract.Key) (string, error) {
	pairs := make([][2]string, len(keys))
	for i, key := range keys {
		pairs[i] = [2]string{key.Module, key.Version}
	}
	encoded, err := json.Marshal(pairs)
	return string(encoded), err
}

// listQuery selects a page of heads. Both databases know $1 and compare rows.
func listQuery(query registry.ListQuery) (statement string, arguments []any) {
	var where []string
	arg := func(value any) string {
		arguments = append(arguments, value)
		return fmt.Sprintf("$%d", len(arguments))
	}
	if query.Module != "" {
		where = append(where, "module = "+arg(query.Module))
	}
	if !query.After.IsZero() {
		where = append(where, fmt.Sprintf("(module, version) > (%s, %s)", arg(query.After.Module), arg(query.After.Version)))
	}
	if !query.Deleted {
		where = append(where, "NOT deleted")
	}
	statement = `SELECT module, version, sequence, revision, digest, deleted FROM mqrpc_heads`
	if len(where) > 0 {
		statement += " WHERE " + strings.Join(where, " AND ")
	}
	return statement + " ORDER BY module, version LIMIT " + arg(query.PageSize()), arguments
}

// transaction runs f in a transaction, and commits if it returns nil.
func (d dialect) transaction(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, d.begin)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the error that led here says more
		return err
	}
	return tx.Commit()
}
