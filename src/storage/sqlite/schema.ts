import type { DatabaseSync } from 'node:sqlite';
import { acme } from './acme-schema.ts';
import { enrolments } from './enrolment-schema.ts';
import { beginAudit } from './ledger-begin.ts';
import { audit, ledger } from './ledger-schema.ts';
import { notices } from './notice-schema.ts';
import { fillSecret, passwords } from './passwords-schema.ts';

/** One step of the schema, applied in a transaction of its own and never changed once released. */
export interface Migration {
  /** What it brings, for error messages. */
  readonly name: string;
  readonly sql: string;
  /** What SQL alone cannot do, after it and in the same transaction; `now` in ms since 1970. */
  readonly fill?: (db: DatabaseSync, now: number) => void;
}

/** Deliveries are indexed by `due >> DUE_BUCKET`, which is part of the schema: see `due.ts`. */
export const DUE_BUCKET = 18;

/**
 * The spool. Times are ms since 1970, ids integers below 2^53 that rise with time.
 *
 * - `message` and `delivery` hold what is not yet final; a row that exists is due at `due` (2^53-1: on hold).
 *   `open` counts the message's rows in `delivery`. No row is ever leased: workers own lanes.
 * - `body` is apart from `message`, so that reading the queue does not read contents.
 * - Indexes are chosen so that a message that is delivered at once only ever touches pages that its neighbours in time
 *   touch too, however long the queue: see `due.ts` for `delivery_due` (it ends in the rowid, which is the id), and
 *   `message_holder` and `message_serial` have only messages with a deferral behind them (`waiting` = 1); those without
 *   are listed by `message_fresh`.
 * - `event` is the history, clustered by entry: one tree, no second index, written where the last lines were.
 */
const spool = `
  CREATE TABLE lane (
    id INTEGER PRIMARY KEY,
    owner INTEGER,
    epoch INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
  WITH RECURSIVE n(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n WHERE id < 255)
    INSERT INTO lane SELECT id, NULL, 0, 0 FROM n;

  CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    open INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    size INTEGER NOT NULL,
    reverse_path TEXT NOT NULL,
    holder TEXT,
    serial TEXT,
    body_type TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    ret TEXT,
    envid TEXT,
    message_id TEXT,
    peer TEXT NOT NULL,
    content_ref TEXT
  ) STRICT;
  CREATE INDEX message_fresh ON message (waiting) WHERE waiting = 0;
  CREATE INDEX message_holder ON message (holder) WHERE waiting = 1;
  CREATE INDEX message_serial ON message (serial) WHERE waiting = 1;

  CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
  ) STRICT;

  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    delay_notified INTEGER NOT NULL,
    dest TEXT NOT NULL,
    recipient TEXT NOT NULL,
    notify TEXT,
    orcpt TEXT,
    detail TEXT NOT NULL
  ) STRICT;
  CREATE INDEX delivery_due ON delivery (due >> ${DUE_BUCKET}, lane, due);
  CREATE INDEX delivery_entry ON delivery (entry);

  CREATE TABLE event (
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    dest TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (entry, at, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE VIEW queue AS
    SELECT m.id AS entry, d.id AS delivery, datetime(m.at / 1000, 'unixepoch') AS accepted, m.reverse_path, d.recipient, d.dest,
      CASE WHEN d.due = 9007199254740991 THEN 'on hold' ELSE datetime(d.due / 1000, 'unixepoch') END AS due,
      d.attempts, m.size, m.holder, m.serial, m.peer, d.detail
    FROM message m JOIN delivery d ON d.entry = m.id;
`;

/** All migrations of the database, of every module that keeps tables in it; number n leads to `user_version` n. Append only. */
export const migrations: readonly Migration[] = [
  { name: 'spool', sql: spool },
  { name: 'ledger', sql: ledger },
  { name: 'issuance log', sql: audit, fill: beginAudit },
  { name: 'notices', sql: notices },
  { name: 'acme', sql: acme },
  { name: 'enrolment', sql: enrolments },
  { name: 'passwords', sql: passwords, fill: fillSecret },
];
