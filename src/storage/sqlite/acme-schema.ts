/**
 * What ACME keeps. `secret` is the key of an HMAC, which whoever checks it needs as it is: the file is 0600 for this too.
 * An order is one row with its authorizations and challenges in `detail`, so that all of it changes at once; the columns
 * beside are those it is found by. `working`: something was under way when it was written.
 */
export const acme: string = `
  CREATE TABLE acme_key (
    id TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    profile TEXT NOT NULL,
    names TEXT NOT NULL,
    life INTEGER,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    account TEXT,
    withdrawn INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE acme_account (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('valid', 'deactivated', 'revoked')),
    key TEXT NOT NULL,
    thumbprint TEXT NOT NULL UNIQUE,
    contacts TEXT NOT NULL,
    binding TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE acme_order (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'ready', 'processing', 'valid', 'invalid')),
    working INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    replaces TEXT,
    serial TEXT UNIQUE,
    detail TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX acme_order_account ON acme_order (account, id);
  CREATE INDEX acme_order_working ON acme_order (working) WHERE working = 1;
  CREATE INDEX acme_order_replaces ON acme_order (replaces) WHERE replaces IS NOT NULL;
  CREATE INDEX acme_order_expires ON acme_order (expires);
`;
