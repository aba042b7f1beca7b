/**
 * Renewal as operators have it: which certificate of a holder is meant, and the end of overlaps. What renewal is says
 * `ca/renewal.ts`; the server's own certificate is in `server-certificate.ts`.
 */
import type { Ms } from '../base/clock.ts';
import { chainPem } from '../ca/bundle.ts';
import type { LedgerRecord } from '../ca/ledger.ts';
import { isCurrent, renew } from '../ca/renewal.ts';
import { timeText } from '../protocol/mime/date.ts';
import { readCsr, signing } from './certificate-issue.ts';
import { select, type Selection } from './certificate-select.ts';
import { view, type CertificateView } from './certificate-view.ts';
import { renewCrl } from './certificates.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';
import { renewServerNow, serverInForce } from './server-certificate.ts';

const DAY: Ms = 86_400_000;

export interface RenewalWish extends Selection {
  /** PKCS#10, PEM or DER; its subject and names do not count. */
  readonly csr?: Uint8Array | undefined;
  /** Instead of a CSR: SubjectPublicKeyInfo, DER, of a key that the caller has made. */
  readonly publicKey?: Uint8Array | undefined;
  /** Undefined: as long as the one before. */
  readonly days?: number | undefined;
  /** Undefined: as the configuration has it. */
  readonly overlap?: Ms | undefined;
}

export interface Renewed {
  readonly certificate: CertificateView;
  /** The one that it takes the place of, as it is now. */
  readonly replaced: CertificateView;
  /** Certificate, issuing CA and root, PEM; undefined for the server's own, which is in its file. */
  readonly chain: Uint8Array | undefined;
}

/**
 * Renews the certificate that is meant. Without CSR and key only the server's own, whose key the relay has. Throws
 * OperationError: `not-found`; `conflict` when a holder has several, or nothing to renew; `usage` for a request that is not
 * fit; `failed` when the authority cannot sign.
 */
export async function renewCertificate(context: AdminContext, wish: RenewalWish): Promise<Renewed> {
  const { csr, publicKey, days, overlap = context.config.ca.overlap } = wish;
  const record = meant(context, wish);
  if (csr !== undefined && publicKey !== undefined)
    throw new OperationError('usage', 'a certificate is for one key: give a request or a public key');
  if (days !== undefined && (!Number.isInteger(days) || days < 1))
    throw new OperationError('usage', `${days} days: a certificate lives a day or longer`);
  if (csr === undefined && publicKey === undefined) {
    const issued = await renewServerNow(context, record, overlap);
    return { ...renewed(context, issued.record, record), chain: undefined };
  }
  const request = {
    csr: csr === undefined ? undefined : readCsr(csr),
    publicKey,
    life: days === undefined ? undefined : days * DAY,
    overlap,
  };
  const issued = await signing(() => renew(context, record, request, context.actor));
  await context.live?.refresh();
  return { ...renewed(context, issued.record, record), chain: chainPem(issued.certificate, issued.chain) };
}

function renewed(context: AdminContext, record: LedgerRecord, old: LedgerRecord): Omit<Renewed, 'chain'> {
  const now = context.clock.now();
  return { certificate: view(record, now), replaced: view(context.ledger.get(old.serial) ?? old, now) };
}

/** By serial number that one; of a holder the only one that nothing has taken the place of. */
function meant(context: AdminContext, selection: Selection): LedgerRecord {
  const { by, records } = select(context, selection);
  const [first] = records;
  if (by === 'serial' && first !== undefined) return first;
  const now = context.clock.now();
  const current = records.filter(isCurrent);
  const valid = current.filter(({ notAfter }) => notAfter > now);
  const candidates = valid.length > 0 ? valid : current;
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const name = first?.holder ?? '';
  if (only === undefined)
    throw new OperationError(
      'conflict',
      `all certificates of ${name} are withdrawn`,
      `issue a new one with "sealpost add ${name}"`,
    );
  const list = candidates.map(({ serial, notAfter }) => `${serial} (until ${dayText(notAfter)})`).join(', ');
  throw new OperationError(
    'conflict',
    `${name} has ${candidates.length} certificates, for as many devices: ${list}`,
    'give the serial number of the one to renew',
  );
}

/** Withdraws what was replaced and whose overlap has ended; gives what was. The server certificate in use is never withdrawn. */
export async function endOverlaps(context: AdminContext): Promise<readonly LedgerRecord[]> {
  const { ledger, clock, actor, events } = context;
  const now = clock.now();
  const inUse = (await serverInForce(context))?.record?.serial;
  const serials = ledger
    .find({ overlapEndsBefore: now, endsAfter: now })
    .map(({ serial }) => serial)
    .filter((serial) => serial !== inUse);
  if (serials.length === 0) return [];
  const note = {
    action: 'revoked',
    by: actor,
    detail: 'superseded: its overlap with the one that replaced it has ended',
  } as const;
  const revoked = ledger.revoke(serials, 'superseded', now, note);
  for (const { serial, holder } of revoked) events.tell({ kind: 'revoked', serial, holder, reason: 'superseded' });
  await context.live?.refresh();
  await renewCrl(context);
  return revoked;
}

/** `2026-11-24`. */
function dayText(at: Ms): string {
  return timeText(at).slice(0, 10);
}
