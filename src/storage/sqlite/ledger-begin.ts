import type { DatabaseSync } from 'node:sqlite';
import { chain, type AuditEntry, type AuditNote } from '../../ca/audit.ts';
import { ENTRY, entryValues, lastEntry } from './ledger-row.ts';

/**
 * Begins the issuance log of a database that is older than the log: what was issued before is entered as found, so that
 * all of it is accounted for from now on. Part of a migration; a new database begins with an empty log.
 */
export function beginAudit(db: DatabaseSync, now: number): void {
  const rows = db.prepare(
    'SELECT serial, holder, fingerprint, state, reason FROM certificate ORDER BY issued_at, serial',
  );
  const count = db.prepare('SELECT count(*) AS n FROM certificate').get()?.['n'] as number;
  if (count === 0) return;
  const insert = db.prepare(`INSERT INTO audit (${ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const account = db.prepare('UPDATE certificate SET entry = ?, revoked_entry = ? WHERE serial = ?');
  let last = lastEntry(db);
  const append = (note: AuditNote): AuditEntry => {
    last = chain(last, note, now);
    insert.run(...entryValues(last));
    return last;
  };
  append({
    action: 'began',
    by: 'relay',
    detail: `the log begins; ${count} certificates were issued before, and are entered as they were found`,
  });
  for (const row of rows.all()) {
    const [serial, holder, fingerprint] = [row['serial'], row['holder'], row['fingerprint']] as string[];
    const revoked = row['state'] === 'revoked';
    const detail = revoked ? `revoked before (${String(row['reason'] ?? 'unspecified')})` : String(row['state']);
    const { number } = append({ action: 'kept', by: 'relay', holder, serial, fingerprint, detail });
    account.run(number, revoked ? number : null, serial ?? null);
  }
}
