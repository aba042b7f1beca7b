/**
 * What renewal means, for the command line, EST, ACME and the relay itself alike: a new certificate for the same holder,
 * profile, names and subject. Old and new are valid together for the overlap, so nobody is locked out while the new one
 * is put in place; then the old one is withdrawn as superseded. The ledger joins both, and so keeps the line.
 */
import { sameBytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { readRequest } from '../protocol/pki/request.ts';
import { issue, refuse, type Issuance, type Issued } from './issuance.ts';
import type { Ledger, LedgerRecord, Replacement } from './ledger.ts';
import { profiles } from './profile.ts';
import { RequestRefused } from './refusal.ts';

export interface RenewalRequest {
  /** PKCS#10, DER; its subject and names do not count. Else `publicKey`. */
  readonly csr?: Uint8Array | undefined;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey?: Uint8Array | undefined;
  /** Undefined: as long as the one before; in both cases no longer than is allowed now. */
  readonly life?: Ms | undefined;
  /** How long the old one stays valid beside the new one, and no longer than its own end. */
  readonly overlap: Ms;
}

/**
 * Renews a certificate; one that has ended, too. A key may be kept: it is said in the log, since what the old one was
 * lost by is lost with the new one too. Who asks again, because the answer was lost, gets another one, and what was given
 * first is superseded with the rest. Rejects as `issue` does; with `RequestRefused` when it is withdrawn or suspended.
 */
export async function renew(
  issuance: Issuance,
  current: LedgerRecord,
  request: RenewalRequest,
  by: string,
): Promise<Issued> {
  const { serial, holder, profile } = current;
  const { clock, ledger } = issuance;
  const old = parseCertificate(current.certificate);
  const fault = old === undefined ? 'cannot be read' : current.state === 'active' ? undefined : `is ${current.state}`;
  if (old === undefined || fault !== undefined) {
    const why = `certificate ${serial} ${fault}: it cannot be renewed`;
    refuse(issuance, holder, by, why);
    // RFC 7030 §4.2.2: who re-enrolls does so with a certificate that counts.
    throw new RequestRefused(why, 'RFC 7030 §4.2.2');
  }
  const replaces: Replacement = {
    serials: [...new Set([serial, lastOf(ledger, current).serial])],
    overlapEnds: clock.now() + request.overlap,
  };
  const wish = {
    profile,
    holder,
    csr: request.csr,
    publicKey: request.publicKey,
    // The holder itself is the name of a person, and of a host or device without DNS names.
    dnsNames: profiles[profile].names === 'dns' ? old.dnsNames : [],
    uris: old.uris,
    life: request.life ?? old.notAfter - old.notBefore,
    follows: current.certificate,
  };
  return await issue(issuance, wish, by, `renews ${serial}${keptKey(old, request)}`, replaces);
}

/** The last of a line: what took the place of this one, of that one, and so on; `record` itself when nothing did. */
export function lastOf(ledger: Pick<Ledger, 'get'>, record: LedgerRecord): LedgerRecord {
  // Bounded by what a line can be in any life of a CA, were the ledger ever to go in a circle.
  let last = record;
  for (let steps = 0; steps < 10_000 && last.replacedBy !== undefined; steps++) {
    const next = ledger.get(last.replacedBy);
    if (next === undefined) break;
    last = next;
  }
  return last;
}

/** The line that a certificate is of, oldest first, out of all certificates of its holder. */
export function lineOf(record: LedgerRecord, ofHolder: readonly LedgerRecord[]): LedgerRecord[] {
  const line = new Set([record.serial]);
  for (let size = 0; size !== line.size;) {
    size = line.size;
    for (const { serial, replacedBy } of ofHolder) {
      if (replacedBy === undefined) continue;
      if (line.has(replacedBy)) line.add(serial);
      if (line.has(serial)) line.add(replacedBy);
    }
  }
  const members = new Map(ofHolder.filter(({ serial }) => line.has(serial)).map((one) => [one.serial, one]));
  const followers = (one: LedgerRecord): number => {
    let count = 0;
    for (let next = one.replacedBy; next !== undefined && count < members.size; count++)
      next = members.get(next)?.replacedBy;
    return count;
  };
  // What took the place of two at once comes after both.
  return [...members.values()].toSorted(
    (one, other) =>
      followers(other) - followers(one) || one.issuedAt - other.issuedAt || (one.serial < other.serial ? -1 : 1),
  );
}

/** Whether it counts and nothing has taken its place: what is to be renewed next of its line. */
export function isCurrent({ state, replacedBy }: LedgerRecord): boolean {
  return state !== 'revoked' && replacedBy === undefined;
}

function keptKey(old: Certificate, { csr, publicKey }: RenewalRequest): string {
  const reading = csr === undefined ? undefined : readRequest(csr);
  const key = publicKey ?? (reading?.kind === 'request' ? reading.request.publicKey : undefined);
  return key !== undefined && sameBytes(key, old.publicKey) ? ', with the same key' : '';
}
