import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import type { Ledger, LedgerFilter, LedgerRecord, RevocationReason } from '../../ca/ledger.ts';
import { openDatabase } from './database.ts';
import { storageFault } from './fault.ts';

/**
 * The ledger in the database at `path`, over a connection of its own, which `close` closes. Other processes may
 * write the same database meanwhile. Methods throw a Fault.
 */
export function openLedger(path: string): Ledger {
  return new SqliteLedger(openDatabase(path));
}

type Row = Readonly<Record<string, SQLOutputValue>>;

const COLUMNS =
  'serial, holder, profile, subject, issuer, fingerprint, not_before, not_after, issued_at, state, revoked_at, reason, der';

class SqliteLedger implements Ledger {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(record: LedgerRecord): void {
    const changed = this.#run('add', () =>
      this.#db
        .prepare(
          `INSERT INTO certificate (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (serial) DO NOTHING`,
        )
        .run(
          record.serial,
          record.holder,
          record.profile,
          record.subject,
          record.issuer,
          record.fingerprint,
          record.notBefore,
          record.notAfter,
          record.issuedAt,
          record.state,
          record.revokedAt ?? null,
          record.reason ?? null,
          record.certificate,
        ),
    );
    if (changed.changes === 0)
      throw new Fault(statuses['local-error'], `the ledger has serial number ${record.serial} already`);
  }

  find(filter: LedgerFilter): LedgerRecord[] {
    const conditions: string[] = [];
    const values: SQLInputValue[] = [];
    for (const key of ['holder', 'serial', 'state'] as const) {
      const value = filter[key];
      if (value === undefined) continue;
      conditions.push(`${key} = ?`);
      values.push(value);
    }
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    return this.#run('find', () =>
      this.#db
        .prepare(`SELECT ${COLUMNS} FROM certificate ${where} ORDER BY issued_at, serial`)
        .all(...values)
        .map(readRow),
    );
  }

  revoke(serials: readonly string[], reason: RevocationReason, at: Ms): LedgerRecord[] {
    return this.#run('revoke', () =>
      this.#db
        .prepare(
          `UPDATE certificate SET state = 'revoked', revoked_at = ?, reason = ?
           WHERE serial IN (SELECT value FROM json_each(?)) AND state <> 'revoked' RETURNING ${COLUMNS}`,
        )
        .all(at, reason, JSON.stringify(serials))
        .map(readRow)
        .toSorted((a, b) => a.issuedAt - b.issuedAt || (a.serial < b.serial ? -1 : 1)),
    );
  }

  version(): number {
    return this.#run('version', () =>
      this.#db.prepare("SELECT value FROM ledger_counter WHERE name = 'version'").get(),
    )?.['value'] as number;
  }

  nextCrlNumber(): number {
    const row = this.#run('CRL number', () =>
      this.#db.prepare("UPDATE ledger_counter SET value = value + 1 WHERE name = 'crl' RETURNING value").get(),
    );
    return row?.['value'] as number;
  }

  close(): void {
    this.#db.close();
  }

  #run<T>(doing: string, act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw storageFault(error, `ledger: ${doing}`);
    }
  }
}

/** The columns are what the schema and `add` let in. */
function readRow(row: Row): LedgerRecord {
  return {
    serial: row['serial'] as string,
    holder: row['holder'] as string,
    profile: row['profile'] as LedgerRecord['profile'],
    subject: row['subject'] as string,
    issuer: row['issuer'] as string,
    fingerprint: row['fingerprint'] as string,
    notBefore: row['not_before'] as number,
    notAfter: row['not_after'] as number,
    issuedAt: row['issued_at'] as number,
    state: row['state'] as LedgerRecord['state'],
    revokedAt: (row['revoked_at'] as number | null) ?? undefined,
    reason: (row['reason'] as RevocationReason | null) ?? undefined,
    certificate: row['der'] as Uint8Array,
  };
}
