/** What an operator can ask of the issuance log: what is in it, and whether it is whole. */
import { sleep, type Ms } from '../base/clock.ts';
import { formatHead, parseHead, type AuditEntry } from '../ca/audit.ts';
import { verifyAudit, type AuditFault } from '../ca/audit-verify.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

type LogContext = Pick<AdminContext, 'clock' | 'ledger'>;

export interface AuditRequest {
  readonly holder?: string | undefined;
  readonly since?: Ms | undefined;
  /** Undefined: a hundred. */
  readonly limit?: number | undefined;
}

export interface AuditListing {
  /** The last ones, in the order in which they were written. */
  readonly entries: readonly AuditEntry[];
  /** Whether there are earlier ones that fit. */
  readonly more: boolean;
}

const LISTED = 100;

export function listAudit({ ledger }: LogContext, request: AuditRequest): AuditListing {
  const { since, limit = LISTED } = request;
  const holder = request.holder?.trim().toLowerCase();
  const found = ledger.auditTail(limit + 1, { holder, since });
  return { entries: found.slice(-limit), more: found.length > limit };
}

export interface AuditVerification {
  readonly whole: boolean;
  readonly entries: number;
  readonly certificates: number;
  /** The head to be kept elsewhere; null when the log is empty. */
  readonly head: string | null;
  /** The first ones, in the order in which they were found. */
  readonly faults: readonly AuditFault[];
}

/** Looks at every entry and every certificate. `head`: as it was noted or mailed out earlier, `NUMBER:HASH`. */
export async function verifyLog(
  { clock, ledger }: LogContext,
  request: { readonly head?: string | undefined },
): Promise<AuditVerification> {
  const known = request.head === undefined ? undefined : parseHead(request.head);
  if (request.head !== undefined && known === undefined)
    throw new OperationError(
      'usage',
      `"${request.head}" is no head of the log`,
      'give it as NUMBER:HASH, as it was mailed out',
    );
  const { entries, certificates, head, faults } = await verifyAudit(ledger, known, () => sleep(clock, 0));
  return {
    whole: faults.length === 0,
    entries,
    certificates,
    head: head === undefined ? null : formatHead(head),
    faults,
  };
}
