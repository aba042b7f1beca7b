import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

const SECRET = 32;

/**
 * Passwords of holders, by hashes; by what each holder may log in; and the secret that salts come from. Times are ms
 * since 1970.
 */
export const passwords: string = `
  CREATE TABLE password (
    id TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    label TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires INTEGER,
    used_at INTEGER,
    withdrawn_at INTEGER,
    argon2id TEXT NOT NULL,
    scram TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX password_holder ON password (holder, created_at);

  CREATE TABLE login_need (
    holder TEXT PRIMARY KEY,
    need TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE password_secret (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    secret BLOB NOT NULL
  ) STRICT;
`;

/** A secret that no other server has. */
export function fillSecret(db: DatabaseSync): void {
  db.prepare('INSERT INTO password_secret VALUES (1, ?)').run(randomBytes(SECRET));
}
