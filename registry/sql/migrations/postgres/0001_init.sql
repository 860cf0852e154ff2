-- Names are ordered by their bytes, whatever the database's language is.

-- The contracts, once each however many changes they go through.
CREATE TABLE mqrpc_contracts (
  module   text COLLATE "C" NOT NULL,
  version  text COLLATE "C" NOT NULL,
  revision text COLLATE "C" NOT NULL,
  files    bytea NOT NULL, -- a FileDescriptorSet, gzipped
  PRIMARY KEY (module, version, revision)
);

-- The history: every state but for its files.
CREATE TABLE mqrpc_changes (
  module   text COLLATE "C" NOT NULL,
  version  text COLLATE "C" NOT NULL,
  sequence bigint  NOT NULL,
  revision text COLLATE "C" NOT NULL,
  digest   text    NOT NULL,
  deleted  boolean NOT NULL,
  state    bytea   NOT NULL, -- an mqrpc.v1.Api without files, gzipped
  PRIMARY KEY (module, version, sequence)
);

-- The heads: what is listed and polled. Small rows, nothing else in them.
CREATE TABLE mqrpc_heads (
  module   text COLLATE "C" NOT NULL,
  version  text COLLATE "C" NOT NULL,
  sequence bigint  NOT NULL,
  revision text    NOT NULL,
  digest   text    NOT NULL,
  deleted  boolean NOT NULL,
  PRIMARY KEY (module, version)
);

-- gzip has packed these: PostgreSQL need not try again.
ALTER TABLE mqrpc_contracts ALTER COLUMN files SET STORAGE EXTERNAL;
ALTER TABLE mqrpc_changes ALTER COLUMN state SET STORAGE EXTERNAL;
