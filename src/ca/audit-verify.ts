/**
 * Whether the issuance log is whole, and the ledger is what the log says: the chain from its first entry to its last,
 * then each entry that brought or withdrew a certificate against the ledger, then each certificate against the log.
 */
import { createHash } from 'node:crypto';
import { hex } from '../base/bytes.ts';
import { bringsCertificate, faultIn, type AuditEntry, type AuditHead } from './audit.ts';
import type { Account, Ledger } from './ledger.ts';

export interface AuditFault {
  /** The entry at which it shows; undefined for a certificate that no entry tells of. */
  readonly entry: number | undefined;
  readonly serial: string | undefined;
  readonly what: string;
}

export interface AuditReport {
  readonly entries: number;
  readonly certificates: number;
  readonly head: AuditHead | undefined;
  /** The first ones. */
  readonly faults: readonly AuditFault[];
}

/** Entries and certificates read at a time. */
const PAGE = 500;
/** Faults told: with the first the log is not whole, and a few more show where. */
const TOLD = 20;

/** `known`: a head that was kept elsewhere. `pause` is awaited between pages, so that others get their turn. */
export async function verifyAudit(
  ledger: Ledger,
  known: AuditHead | undefined,
  pause: () => Promise<void>,
): Promise<AuditReport> {
  const faults: AuditFault[] = [];
  const tell = (entry: number | undefined, serial: string | undefined, what: string): void => {
    if (faults.length < TOLD) faults.push({ entry, serial, what });
  };
  const counted = ledger.auditCount();
  let last: AuditEntry | undefined;
  for (;;) {
    const page = ledger.audit(last?.number ?? Number.MIN_SAFE_INTEGER, PAGE);
    for (const entry of page) {
      const fault = faultIn(entry, last);
      if (fault !== undefined) tell(fault.number, undefined, fault.what);
      const what = faultOfLedger(ledger, entry);
      if (what !== undefined) tell(entry.number, entry.serial, what);
      if (entry.number === known?.number && entry.hash !== known.hash)
        tell(
          entry.number,
          undefined,
          `entry ${entry.number} is not the one whose hash was noted: the log was written anew`,
        );
      last = entry;
    }
    if (page.length < PAGE) break;
    await pause();
  }
  const end = last?.number ?? 0;
  const expected = Math.max(counted, known?.number ?? 0);
  if (expected > end) {
    const missing = expected === end + 1 ? `entry ${expected} is` : `entries ${end + 1} to ${expected} are`;
    tell(end + 1, undefined, `${missing} missing: the end of the log was cut off`);
  }
  const certificates = await verifyCertificates(ledger, tell, pause);
  return { entries: end, certificates, head: last, faults };
}

/** What the ledger should have by this entry. */
function faultOfLedger(ledger: Ledger, { action, number, serial }: AuditEntry): string | undefined {
  if (serial === undefined) return undefined;
  if (bringsCertificate(action) && ledger.get(serial) === undefined)
    return `the certificate ${serial} of entry ${number} is not in the ledger`;
  if (action === 'revoked' && ledger.get(serial)?.state !== 'revoked')
    return `entry ${number} withdrew the certificate ${serial}, and the ledger has it as valid`;
  return undefined;
}

async function verifyCertificates(
  ledger: Ledger,
  tell: (entry: number | undefined, serial: string | undefined, what: string) => void,
  pause: () => Promise<void>,
): Promise<number> {
  let seen = 0;
  let after = '';
  for (;;) {
    const page = ledger.accounts(after, PAGE);
    for (const account of page) {
      const { serial } = account.record;
      const what = faultOfAccount(account);
      if (what !== undefined) tell(account.brought?.number, serial, what);
      after = serial;
    }
    seen += page.length;
    if (page.length < PAGE) return seen;
    await pause();
  }
}

function faultOfAccount({ record, brought, withdrawn }: Account): string | undefined {
  const { serial } = record;
  if (brought === undefined || brought.serial !== serial || !bringsCertificate(brought.action))
    return `no entry tells how the certificate ${serial} of ${record.holder} came into the ledger`;
  const fingerprint = hex(createHash('sha256').update(record.certificate).digest());
  if (
    brought.holder !== record.holder ||
    brought.fingerprint !== record.fingerprint ||
    fingerprint !== record.fingerprint
  )
    return `the certificate ${serial} is not the one that entry ${brought.number} tells of`;
  if (record.state === 'revoked' && !withdraws(withdrawn, serial))
    return `no entry tells that the certificate ${serial} of ${record.holder} was withdrawn`;
  if (record.state !== 'revoked' && withdrawn !== undefined)
    return `entry ${withdrawn.number} withdrew the certificate ${serial}, and the ledger has it as valid`;
  return undefined;
}

function withdraws(entry: AuditEntry | undefined, serial: string): boolean {
  return entry?.serial === serial && (entry.action === 'revoked' || bringsCertificate(entry.action));
}
