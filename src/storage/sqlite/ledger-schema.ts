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

/**
 * The issuance log, and what looking up in a ledger of a million certificates needs. `entry` and `revoked_entry` of a
 * certificate are the numbers of the entries that brought and withdrew it; `changed` is the version at which its row
 * changed last, by whatever program. A reservation is a serial number between the wish and the ledger; with
 * `abandoned_at` it is withdrawn. The counter `audit` is the number of the last entry.
 */
export const audit: string = `
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    by TEXT NOT NULL,
    holder TEXT,
    serial TEXT,
    fingerprint TEXT,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE INDEX audit_holder ON audit (holder) WHERE holder IS NOT NULL;
  INSERT INTO ledger_counter VALUES ('audit', 0);
  CREATE TRIGGER audit_counted AFTER INSERT ON audit BEGIN
    UPDATE ledger_counter SET value = new.number WHERE name = 'audit';
  END;
  CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the issuance log is not changed');
  END;
  CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the issuance log keeps every entry');
  END;
  CREATE VIEW audit_log AS
    SELECT number, datetime(at / 1000, 'unixepoch') AS at, action, by, holder, serial, detail, lower(hex(hash)) AS hash FROM audit;

  CREATE TABLE reservation (
    serial TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    profile TEXT NOT NULL,
    at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    abandoned_at INTEGER
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE certificate ADD COLUMN replaced_by TEXT;
  ALTER TABLE certificate ADD COLUMN overlap_ends INTEGER;
  ALTER TABLE certificate ADD COLUMN entry INTEGER;
  ALTER TABLE certificate ADD COLUMN revoked_entry INTEGER;
  ALTER TABLE certificate ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;

  DROP TRIGGER certificate_added;
  DROP TRIGGER certificate_changed;
  CREATE TRIGGER certificate_added AFTER INSERT ON certificate BEGIN
    UPDATE ledger_counter SET value = value + 1 WHERE name = 'version';
    UPDATE certificate SET changed = (SELECT value FROM ledger_counter WHERE name = 'version') WHERE serial = new.serial;
  END;
  CREATE TRIGGER certificate_changed AFTER UPDATE OF serial, holder, profile, subject, issuer, fingerprint, not_before,
    not_after, issued_at, state, revoked_at, reason, der, replaced_by, overlap_ends, entry, revoked_entry ON certificate
  BEGIN
    UPDATE ledger_counter SET value = value + 1 WHERE name = 'version';
    UPDATE certificate SET changed = (SELECT value FROM ledger_counter WHERE name = 'version') WHERE serial = new.serial;
  END;

  CREATE INDEX certificate_issued ON certificate (issued_at);
  CREATE INDEX certificate_ending ON certificate (state, not_after, issued_at);
  CREATE INDEX certificate_revoked ON certificate (not_after, revoked_at, reason) WHERE state = 'revoked';
  CREATE INDEX certificate_version ON certificate (changed);
`;
