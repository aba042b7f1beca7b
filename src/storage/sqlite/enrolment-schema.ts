/** One-time tokens, by their hashes. Times are ms since 1970. */
export const enrolments: string = `
  CREATE TABLE enrolment (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    holder TEXT NOT NULL,
    profile TEXT NOT NULL,
    dns_names TEXT NOT NULL,
    life INTEGER,
    created_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    used_at INTEGER,
    serial TEXT,
    withdrawn INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
