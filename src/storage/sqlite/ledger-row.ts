/** Rows of the ledger and its log, as records and back. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { AuditAction, AuditEntry } from '../../ca/audit.ts';
import type { LedgerRecord, RevocationReason } from '../../ca/ledger.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

export const RECORD =
  'serial, holder, profile, subject, issuer, fingerprint, not_before, not_after, issued_at, state, revoked_at, reason, replaced_by, overlap_ends, der';

/** The columns are what the schema and `recordValues` let in. */
export function readRecord(row: Row): LedgerRecord {
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
    revokedAt: optional(row['revoked_at']) as number | undefined,
    reason: optional(row['reason']) as RevocationReason | undefined,
    replacedBy: optional(row['replaced_by']) as string | undefined,
    overlapEnds: optional(row['overlap_ends']) as number | undefined,
    certificate: row['der'] as Uint8Array,
  };
}

/** In the order of `RECORD`. */
export function recordValues(record: LedgerRecord): SQLInputValue[] {
  return [
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
    record.replacedBy ?? null,
    record.overlapEnds ?? null,
    record.certificate,
  ];
}

export const ENTRY = 'number, at, action, by, holder, serial, fingerprint, detail, previous, hash';

/** What was put in by hand may be of any form: it is for the log's verification to say so. */
export function readEntry(row: Row): AuditEntry {
  return {
    number: row['number'] as number,
    at: row['at'] as number,
    action: row['action'] as AuditAction,
    by: row['by'] as string,
    holder: optional(row['holder']) as string | undefined,
    serial: optional(row['serial']) as string | undefined,
    fingerprint: optional(row['fingerprint']) as string | undefined,
    detail: row['detail'] as string,
    previous: Buffer.from(row['previous'] as Uint8Array).toString('hex'),
    hash: Buffer.from(row['hash'] as Uint8Array).toString('hex'),
  };
}

/** In the order of `ENTRY`. */
export function entryValues(entry: AuditEntry): SQLInputValue[] {
  const { number, at, action, by, holder, serial, fingerprint, detail, previous, hash } = entry;
  return [
    number,
    at,
    action,
    by,
    holder ?? null,
    serial ?? null,
    fingerprint ?? null,
    detail,
    Buffer.from(previous, 'hex'),
    Buffer.from(hash, 'hex'),
  ];
}

/** The last entry of the log. */
export function lastEntry(db: DatabaseSync): AuditEntry | undefined {
  const row = db.prepare(`SELECT ${ENTRY} FROM audit ORDER BY number DESC LIMIT 1`).get();
  return row === undefined ? undefined : readEntry(row);
}

function optional(value: SQLOutputValue | undefined): SQLOutputValue | undefined {
  return value ?? undefined;
}
