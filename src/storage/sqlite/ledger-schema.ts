/**
 * The ledger of the CA: one row a certificate, for ever. Times are ms since 1970. The counter `version` rises with
 * every row that is added or changed, by whatever program, `sqlite3` included; `crl` is the number of the last CRL.
 */
export const ledger: string = `
  CREATE TABLE certificate (
    serial TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    profile TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
    revoked_at INTEGER,
    reason TEXT,
    der BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX certificate_holder ON certificate (holder);

  CREATE TABLE ledger_counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO ledger_counter VALUES ('version', 0), ('crl', 0);

  CREATE TRIGGER certificate_added AFTER INSERT ON certificate BEGIN
    UPDATE ledger_counter SET value = value + 1 WHERE name = 'version';
  END;
  CREATE TRIGGER certificate_changed AFTER UPDATE ON certificate BEGIN
    UPDATE ledger_counter SET value = value + 1 WHERE name = 'version';
  END;
  CREATE TRIGGER certificate_kept BEFORE DELETE ON certificate BEGIN
    SELECT RAISE(ABORT, 'the ledger keeps every certificate; revoke it instead');
  END;
`;
