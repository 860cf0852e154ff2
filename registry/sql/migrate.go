package sql

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// migration is one step of the tables' history. Once released, its file never
// changes.
type migration struct {
	number     int
	name       string
	statements string
}

// migrationsOf reads a dialect's migrations, numbered from 1 without a gap.
func migrationsOf(d dialect) ([]migration, error) {
	files, err := fs.Glob(migrations, path.Join("migrations", d.name, "*.sql"))
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, file := range files { // Glob sorts
		name := path.Base(file)
		digits, _, _ := strings.Cut(name, "_")
		number, err := strconv.Atoi(digits)
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s: its number must be %04d", file, i+1)
		}
		statements, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{number: number, name: name, statements: string(statements)})
	}
	return all, nil
}

// migrate brings the tables up to date, all steps in one transaction.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := migrationsOf(s.dialect)
	if err != nil {
		return err
	}
	return s.dialect.transaction(ctx, s.writes, func(tx *sql.Tx) error {
		if s.dialect.lock != "" {
			if _, err := tx.ExecContext(ctx, s.dialect.lock); err != nil {
				return fmt.Errorf("wait for others that migrate: %w", err)
			}
		}
		current, err := tablesVersion(ctx, tx)
		if err != nil {
			return err
		}
		if current > len(steps) {
			return fmt.Errorf("the tables are of version %d, this program knows them up to %d: use a newer mqrpc", current, len(steps))
		}
		for _, step := range steps[current:] {
			if _, err := tx.ExecContext(ctx, step.statements); err != nil {
				return fmt.Errorf("migration %s: %w", step.name, err)
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO mqrpc_migrations (number, name) VALUES ($1, $2)`, step.number, step.name); err != nil {
				return fmt.Errorf("migration %s: %w", step.name, err)
			}
		}
		return nil
	})
}

// tablesVersion is the number of the last migration that has been made, 0 for
// an empty database.
func tablesVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	const table = `CREATE TABLE IF NOT EXISTS mqrpc_migrations (number integer PRIMARY KEY, name text NOT NULL)`
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return 0, fmt.Errorf("make the table of migrations: %w", err)
	}
	var version int
	err := tx.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) FROM mqrpc_migrations`).Scan(&version)
	return version, err
}
