import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { chain, type AuditEntry, type AuditNote } from '../../ca/audit.ts';
import type {
  Account,
  AuditFilter,
  Ledger,
  LedgerCounts,
  LedgerFilter,
  LedgerRecord,
  Replacement,
  Reservation,
  RevocationReason,
  Withdrawn,
} from '../../ca/ledger.ts';
import { openDatabase } from './database.ts';
import { storageFault } from './fault.ts';
import { orderOf, pageOf, whereOf } from './ledger-filter.ts';
import { ENTRY, RECORD, entryValues, lastEntry, readEntry, readRecord, recordValues, type Row } from './ledger-row.ts';

/**
 * The ledger in the database at `path`, over a connection of its own, which `close` closes. Other processes may
 * write the same database meanwhile. Methods throw a Fault.
 */
export function openLedger(path: string): Ledger {
  return ledgerOn(openDatabase(path));
}

/** The ledger on a connection, which its `close` closes. */
export function ledgerOn(db: DatabaseSync): Ledger {
  return new SqliteLedger(db);
}

const ABANDONED = 'the signing did not end; the serial number is withdrawn';

class SqliteLedger implements Ledger {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(serial: string): LedgerRecord | undefined {
    return this.#read('get', () => this.#records(`SELECT ${RECORD} FROM certificate WHERE serial = ?`, serial))[0];
  }

  find(filter: LedgerFilter): LedgerRecord[] {
    const where = whereOf(filter);
    const page = pageOf(filter, where.sql === '');
    const conditions = `${where.sql} ${page.sql}`;
    const order = `ORDER BY ${orderOf(filter)}`;
    const values = [...where.values, ...page.values];
    if (filter.limit === undefined)
      return this.#read('find', () =>
        this.#records(`SELECT ${RECORD} FROM certificate ${conditions} ${order}`, ...values),
      );
    // Chosen and sorted in an index, before any certificate is read.
    const chosen = `SELECT serial FROM certificate ${conditions} ${order} LIMIT ?`;
    return this.#read('find', () =>
      this.#records(
        `SELECT ${RECORD} FROM certificate WHERE serial IN (${chosen}) ${order}`,
        ...values,
        filter.limit ?? 0,
      ),
    );
  }

  count(filter: LedgerFilter): number {
    const where = whereOf(filter);
    return this.#read('count', () => this.#number(`SELECT count(*) FROM certificate ${where.sql}`, ...where.values));
  }

  counts(now: Ms): LedgerCounts {
    return this.#read('counts', () => {
      const certificates = (condition: string, ...values: SQLInputValue[]): number =>
        this.#number(`SELECT count(*) FROM certificate WHERE ${condition}`, ...values);
      const reservations = (condition: string): number =>
        this.#number(`SELECT count(*) FROM reservation WHERE abandoned_at ${condition}`);
      return {
        active: certificates("state = 'active' AND not_after > ?", now),
        suspended: certificates("state = 'suspended' AND not_after > ?", now),
        revoked: certificates("state = 'revoked'"),
        ended: certificates("state IN ('active', 'suspended') AND not_after <= ?", now),
        pending: reservations('IS NULL'),
        abandoned: reservations('IS NOT NULL'),
      };
    });
  }

  holdersNear(name: string, limit: number): string[] {
    // From one name to the next by the index, however many certificates a holder has.
    const names = (start: string, step: string): string[] =>
      this.#statement(
        `WITH RECURSIVE n(holder, i) AS (
           SELECT (${start}), 1
           UNION ALL SELECT (${step}), i + 1 FROM n WHERE holder IS NOT NULL AND i < ?2
         ) SELECT holder FROM n WHERE holder IS NOT NULL`,
      )
        .all(name, limit)
        .map((row) => row['holder'] as string);
    return this.#read('holders', () => [
      ...names(
        'SELECT max(holder) FROM certificate WHERE holder < ?1',
        'SELECT max(holder) FROM certificate WHERE holder < n.holder',
      ).toReversed(),
      ...names(
        'SELECT min(holder) FROM certificate WHERE holder >= ?1',
        'SELECT min(holder) FROM certificate WHERE holder > n.holder',
      ),
    ]);
  }

  withdrawn(endsAfter: Ms): Withdrawn[] {
    // Out of a covering index and unsorted: a hundred thousand cost a tenth of what they would cost sorted.
    return this.#read('withdrawn', () =>
      [
        `SELECT serial, revoked_at AS at, reason FROM certificate INDEXED BY certificate_revoked
         WHERE state = 'revoked' AND not_after > ?`,
        'SELECT serial, abandoned_at AS at, NULL AS reason FROM reservation WHERE abandoned_at IS NOT NULL AND not_after > ?',
      ].flatMap((sql) => this.#statement(sql).all(endsAfter).map(toWithdrawn)),
    );
  }

  withdrawal(serial: string): Withdrawn | undefined {
    return this.#read(
      'withdrawal',
      () =>
        this.#statement(
          `SELECT serial, revoked_at AS at, reason FROM certificate WHERE serial = ?1 AND state = 'revoked'
         UNION ALL
         SELECT serial, abandoned_at, NULL FROM reservation WHERE serial = ?1 AND abandoned_at IS NOT NULL`,
        )
          .all(serial)
          .map(toWithdrawn)[0],
    );
  }

  reserve(serial: string, wish: Reservation, note: AuditNote): void {
    const { holder, profile, at, notAfter } = wish;
    this.#write('reserve', () => {
      if (this.#isThere(serial)) throw taken(serial);
      const { changes } = this.#statement(
        'INSERT INTO reservation (serial, holder, profile, at, not_after) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      ).run(serial, holder, profile, at, notAfter);
      if (changes === 0) throw taken(serial);
      this.#append({ ...note, holder, serial }, at);
    });
  }

  release(serial: string, note: AuditNote, at: Ms): void {
    this.#write('release', () => {
      this.#statement('DELETE FROM reservation WHERE serial = ? AND abandoned_at IS NULL').run(serial);
      this.#append({ ...note, serial }, at);
    });
  }

  abandon(before: Ms, at: Ms, by: string): string[] {
    const old = 'FROM reservation WHERE abandoned_at IS NULL AND at < ?';
    if (this.#read('reservations', () => this.#number(`SELECT count(*) ${old}`, before)) === 0) return [];
    return this.#write('abandon', () =>
      this.#statement(`SELECT serial, holder ${old} ORDER BY at, serial`)
        .all(before)
        .map((row) => {
          const [serial, holder] = [row['serial'] as string, row['holder'] as string];
          this.#statement('UPDATE reservation SET abandoned_at = ? WHERE serial = ?').run(at, serial);
          this.#append({ action: 'abandoned', by, holder, serial, detail: ABANDONED }, at);
          return serial;
        }),
    );
  }

  add(record: LedgerRecord, note: AuditNote, replaces?: Replacement): void {
    const { serial, holder, fingerprint, issuedAt } = record;
    this.#write('add', () => {
      if (this.#isThere(serial)) throw taken(serial);
      const [reserved] = this.#statement('SELECT abandoned_at FROM reservation WHERE serial = ?').all(serial);
      if (reserved !== undefined && reserved['abandoned_at'] !== null) throw givenUp(serial);
      if (reserved !== undefined) this.#statement('DELETE FROM reservation WHERE serial = ?').run(serial);
      const { number } = this.#append({ ...note, holder, serial, fingerprint }, issuedAt);
      this.#statement(
        `INSERT INTO certificate (${RECORD}, entry, revoked_entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(...recordValues(record), number, record.state === 'revoked' ? number : null);
      for (const old of replaces?.serials ?? [])
        this.#statement('UPDATE certificate SET replaced_by = ?, overlap_ends = ? WHERE serial = ?').run(
          serial,
          replaces?.overlapEnds ?? null,
          old,
        );
    });
  }

  revoke(serials: readonly string[], reason: RevocationReason, at: Ms, note: AuditNote): LedgerRecord[] {
    return this.#write('revoke', () => {
      const meant = this.#records(
        `SELECT ${RECORD} FROM certificate WHERE serial IN (SELECT value FROM json_each(?)) AND state <> 'revoked' ORDER BY issued_at, serial`,
        JSON.stringify(serials),
      );
      return meant.map((record) => {
        const { number } = this.#append({ ...note, holder: record.holder, serial: record.serial }, at);
        this.#statement(
          "UPDATE certificate SET state = 'revoked', revoked_at = ?, reason = ?, revoked_entry = ? WHERE serial = ?",
        ).run(at, reason, number, record.serial);
        return { ...record, state: 'revoked', revokedAt: at, reason } as const;
      });
    });
  }

  nextCrlNumber(): number {
    return this.#read('CRL number', () =>
      this.#number("UPDATE ledger_counter SET value = value + 1 WHERE name = 'crl' RETURNING value"),
    );
  }

  raiseCrlNumber(number: number): void {
    this.#write('CRL number', () =>
      this.#db.prepare("UPDATE ledger_counter SET value = max(value, ?) WHERE name = 'crl'").run(number),
    );
  }

  version(): number {
    return this.#read('version', () => this.#number("SELECT value FROM ledger_counter WHERE name = 'version'"));
  }

  changedSince(version: number, limit: number): { readonly version: number; readonly records: LedgerRecord[] } {
    return this.#read('changes', () => {
      // The version first: what changes in between is given twice rather than not at all.
      const now = this.version();
      const rows = this.#statement(
        `SELECT ${RECORD}, changed FROM certificate WHERE changed > ? ORDER BY changed LIMIT ?`,
      ).all(version, limit);
      const last = rows.length < limit ? now : (rows.at(-1)?.['changed'] as number);
      return { version: last, records: rows.map(readRecord) };
    });
  }

  appendAudit(note: AuditNote, at: Ms): AuditEntry {
    return this.#write('log', () => this.#append(note, at));
  }

  audit(after: number, limit: number): AuditEntry[] {
    return this.#read('log', () =>
      this.#statement(`SELECT ${ENTRY} FROM audit WHERE number > ? ORDER BY number LIMIT ?`)
        .all(after, limit)
        .map(readEntry),
    );
  }

  auditTail(limit: number, { holder, since }: AuditFilter = {}): AuditEntry[] {
    const conditions = [holder === undefined ? '' : 'holder = ?', since === undefined ? '' : 'at >= ?'].filter(Boolean);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const values = [holder, since].filter((value) => value !== undefined);
    return this.#read('log', () =>
      this.#statement(`SELECT ${ENTRY} FROM audit ${where} ORDER BY number DESC LIMIT ?`)
        .all(...values, limit)
        .map(readEntry)
        .toReversed(),
    );
  }

  auditHead(): AuditEntry | undefined {
    return this.#read('log', () => lastEntry(this.#db));
  }

  auditCount(): number {
    return this.#read('log', () => this.#number("SELECT value FROM ledger_counter WHERE name = 'audit'"));
  }

  accounts(after: string, limit: number): Account[] {
    const entry = this.#statement(`SELECT ${ENTRY} FROM audit WHERE number = ?`);
    const entryOf = (number: unknown): AuditEntry | undefined => {
      const row = typeof number === 'number' ? entry.get(number) : undefined;
      return row === undefined ? undefined : readEntry(row);
    };
    return this.#read('accounts', () =>
      this.#statement(
        `SELECT ${RECORD}, entry, revoked_entry FROM certificate WHERE serial > ? ORDER BY serial LIMIT ?`,
      )
        .all(after, limit)
        .map((row) => ({
          record: readRecord(row),
          brought: entryOf(row['entry']),
          withdrawn: entryOf(row['revoked_entry']),
        })),
    );
  }

  close(): void {
    this.#db.close();
  }

  /** Within a transaction of the caller's: what the entry tells of and the entry are one. */
  #append(note: AuditNote, at: Ms): AuditEntry {
    const entry = chain(lastEntry(this.#db), note, at);
    this.#statement(`INSERT INTO audit (${ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...entryValues(entry));
    return entry;
  }

  #isThere(serial: string): boolean {
    return this.#number('SELECT count(*) FROM certificate WHERE serial = ?', serial) > 0;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  #records(sql: string, ...values: SQLInputValue[]): LedgerRecord[] {
    return this.#statement(sql)
      .all(...values)
      .map((row: Row) => readRecord(row));
  }

  /** The one value of the one row. */
  #number(sql: string, ...values: SQLInputValue[]): number {
    return Object.values(this.#statement(sql).get(...values) ?? {})[0] as number;
  }

  #read<T>(doing: string, act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw storageFault(error, `ledger: ${doing}`);
    }
  }

  /** In one transaction, which has the write lock from its beginning: no other process comes between. */
  #write<T>(doing: string, act: () => T): T {
    return this.#read(doing, () => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        const result = act();
        this.#db.exec('COMMIT');
        return result;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }
}

function taken(serial: string): Fault {
  return new Fault(statuses['local-error'], `the ledger has serial number ${serial} already`);
}

function givenUp(serial: string): Fault {
  return new Fault(statuses['local-error'], `serial number ${serial} was given up and is withdrawn`);
}

function toWithdrawn(row: Record<string, unknown>): Withdrawn {
  return {
    serial: row['serial'] as string,
    at: (row['at'] as number | null) ?? 0,
    reason: (row['reason'] as RevocationReason | null) ?? 'unspecified',
  };
}
