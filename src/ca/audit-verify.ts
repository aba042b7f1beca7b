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

type Tell = (entry: number | undefined, serial: string | undefined, what: string) => void;
type Pause = () => Promise<void>;

/** `known`: a head that was kept elsewhere. `pause` is awaited between pages, so that others get their turn. */
export async function verifyAudit(ledger: Ledger, known: AuditHead | undefined, pause: Pause): Promise<AuditReport> {
  const faults: AuditFault[] = [];
  const tell: Tell = (entry, serial, what) => {
    if (faults.length < TOLD) faults.push({ entry, serial, what });
  };
  const counted = ledger.auditCount();
  const told = { brought: 0, withdrawn: 0 };
  let last: AuditEntry | undefined;
  await eachEntry(ledger, pause, (entry) => {
    const fault = faultIn(entry, last);
    if (fault !== undefined) tell(fault.number, undefined, fault.what);
    if (entry.number === known?.number && entry.hash !== known.hash) {
      const what = `entry ${entry.number} is not the one whose hash was noted: the log was written anew`;
      tell(entry.number, undefined, what);
    }
    if (bringsCertificate(entry.action)) told.brought++;
    if (entry.action === 'revoked') told.withdrawn++;
    last = entry;
  });
  const end = last?.number ?? 0;
  const expected = Math.max(counted, known?.number ?? 0);
  if (expected > end) {
    const missing = expected === end + 1 ? `entry ${expected} is` : `entries ${end + 1} to ${expected} are`;
    tell(end + 1, undefined, `${missing} missing: the end of the log was cut off`);
  }
  const found = await verifyCertificates(ledger, tell, pause);
  // Each certificate has an entry that no other has. So with equal numbers each entry has its certificate too.
  if (found.brought !== told.brought || found.withdrawn !== told.withdrawn)
    await eachEntry(ledger, pause, (entry) => {
      const what = faultOfLedger(ledger, entry);
      if (what !== undefined) tell(entry.number, entry.serial, what);
    });
  return { entries: end, certificates: found.certificates, head: last, faults };
}

async function eachEntry(ledger: Ledger, pause: Pause, look: (entry: AuditEntry) => void): Promise<void> {
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const page = ledger.audit(after, PAGE);
    for (const entry of page) look(entry);
    if (page.length < PAGE) return;
    after = page.at(-1)?.number ?? after;
    await pause();
  }
}

/** What the ledger should have by this entry. */
function faultOfLedger(ledger: Ledger, { action, number, serial }: AuditEntry): string | undefined {
  if (serial === undefined) return undefined;
  if (bringsCertificate(action) && ledger.get(serial) === undefined)
    return `the certificate ${serial} of entry ${number} is not in the ledger`;
  if (action === 'revoked' && ledger.get(serial)?.state !== 'revoked') return asValid(number, serial);
  return undefined;
}

interface Found {
  readonly certificates: number;
  /** Certificates that have their entry, and withdrawals that have theirs. */
  readonly brought: number;
  readonly withdrawn: number;
}

async function verifyCertificates(ledger: Ledger, tell: Tell, pause: Pause): Promise<Found> {
  const found = { certificates: 0, brought: 0, withdrawn: 0 };
  let after = '';
  for (;;) {
    const page = ledger.accounts(after, PAGE);
    for (const account of page) {
      const { serial } = account.record;
      const fault = faultOfAccount(account);
      if (fault !== undefined) tell(fault.entry, serial, fault.what);
      else found.brought++;
      if (fault === undefined && account.withdrawn?.action === 'revoked') found.withdrawn++;
      after = serial;
    }
    found.certificates += page.length;
    if (page.length < PAGE) return found;
    await pause();
  }
}

/** What is wrong with a certificate, and the entry at which it shows. */
function faultOfAccount({ record, brought, withdrawn }: Account): Pick<AuditFault, 'entry' | 'what'> | undefined {
  const { certificate, fingerprint, holder, serial, state } = record;
  const entry = brought?.number;
  if (brought === undefined || brought.serial !== serial || !bringsCertificate(brought.action))
    return { entry, what: `no entry tells how the certificate ${serial} of ${holder} came into the ledger` };
  const isThat = brought.holder === holder && brought.fingerprint === fingerprint;
  if (!isThat || hex(createHash('sha256').update(certificate).digest()) !== fingerprint)
    return { entry, what: `the certificate ${serial} is not the one that entry ${brought.number} tells of` };
  if (state === 'revoked' && !withdraws(withdrawn, serial))
    return { entry, what: `no entry tells that the certificate ${serial} of ${holder} was withdrawn` };
  if (state !== 'revoked' && withdrawn !== undefined)
    return { entry: withdrawn.number, what: asValid(withdrawn.number, serial) };
  return undefined;
}

function asValid(entry: number, serial: string): string {
  return `entry ${entry} withdrew the certificate ${serial}, and the ledger has it as valid`;
}

function withdraws(entry: AuditEntry | undefined, serial: string): boolean {
  return entry?.serial === serial && (entry.action === 'revoked' || bringsCertificate(entry.action));
}
