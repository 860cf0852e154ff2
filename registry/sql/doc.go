// Package sql is a registry.Store in a relational database: SQLite, which needs
// no server and is the default, and PostgreSQL.
//
//	store, err := sql.OpenSQLite(ctx, sql.SQLiteConfig{Path: "registry.db"})
//	store, err := sql.OpenPostgres(ctx, sql.PostgresConfig{URL: "postgres://…"})
//
// Opening brings the tables to this version of the package; several processes
// may do that at once. All tables begin with "mqrpc_", so that the registry can
// live in a database that exists. A database whose tables are newer than this
// package is refused. This is own code, a page of it: one transaction makes all
// steps and orders the processes that make them, in SQLite too, for which the
// usual libraries have no lock.
//
// One transaction saves: the head is moved from one sequence to the next, which
// exactly one of several writers can do, then the change and its contract are
// added. Contracts are kept once per revision, so a change of policy is a small
// row. The newest registry.KeepChanges changes are kept, and the contracts that
// they name.
//
// Lists and polls read the table of heads alone, see BenchmarkSQLite.
//
// # Files
//
//	store.go     Store: load, list, history
//	save.go      ... save, and what is dropped then
//	import.go    ... save very many
//	dialect.go   what SQLite and PostgreSQL say differently
//	sqlite.go    opening SQLite
//	postgres.go  opening PostgreSQL
//	migrate.go   bringing the tables up to date
//	errors.go    from database errors to the registry's
package sql
