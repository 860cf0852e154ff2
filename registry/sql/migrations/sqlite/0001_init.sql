-- The contracts, once each however many changes they go through.
CREATE TABLE mqrpc_contracts (
  module   TEXT NOT NULL,
  version  TEXT NOT NULL,
  revision TEXT NOT NULL,
  files    BLOB NOT NULL, -- a FileDescriptorSet, gzipped
  PRIMARY KEY (module, version, revision)
) STRICT;

-- The history: every state but for its files.
CREATE TABLE mqrpc_changes (
  module     TEXT    NOT NULL,
  version    TEXT    NOT NULL,
  sequence   INTEGER NOT NULL,
  revision   TEXT    NOT NULL,
  digest     TEXT    NOT NULL,
  deleted    INTEGER NOT NULL,
  state      BLOB    NOT NULL, -- an mqrpc.v1.Api without files, gzipped
  PRIMARY KEY (module, version, sequence)
) STRICT;

-- The heads: what is listed and polled. Small rows, nothing else in them.
CREATE TABLE mqrpc_heads (
  module   TEXT    NOT NULL,
  version  TEXT    NOT NULL,
  sequence INTEGER NOT NULL,
  revision TEXT    NOT NULL,
  digest   TEXT    NOT NULL,
  deleted  INTEGER NOT NULL,
  PRIMARY KEY (module, version)
) STRICT, WITHOUT ROWID;
