/**
 * From a wish to a certificate in the ledger: the way that all who issue take, be it the command line, EST or ACME.
 * Nothing is signed whose serial number is not durably reserved, and nothing leaves that is not in the ledger.
 */
import { hex, type Bytes } from '../base/bytes.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import type { Random } from '../base/random.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { positiveSerial } from './authority-local.ts';
import type { IssueRequest, SignedCrl, SigningDoor } from './authority.ts';
import { fingerprintOf } from './keys.ts';
import type { Ledger, LedgerRecord, ProfileName, Replacement } from './ledger.ts';
import { RequestRefused } from './refusal.ts';
import { AuthorityUnavailable } from './unavailable.ts';

/** What issuing needs. */
export interface Issuance {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly ledger: Ledger;
  /** Opens the door to the issuing key; whoever opened it closes it. Rejects when the authority cannot sign. */
  door(): Promise<SigningDoor>;
}

/** What is asked of the authority, which is given serial number and times here. What is left out is not wished for. */
export interface Wish
  extends
    Pick<IssueRequest, 'profile' | 'holder'>,
    Partial<Pick<IssueRequest, 'csr' | 'publicKey' | 'dnsNames' | 'uris' | 'subject' | 'follows'>> {
  /** Undefined: the profile's. */
  readonly life?: Ms | undefined;
}

export interface Issued {
  readonly record: LedgerRecord;
  readonly certificate: Bytes;
  readonly chain: readonly Bytes[];
  /** What the CSR asked for and did not get, in words. */
  readonly ignored: readonly string[];
}

const DAY: Ms = 86_400_000;
/** Certificates begin a little before they are issued, for machines whose clock is slow; less than a CA is backdated. */
const BACKDATE: Ms = 300_000;
/** No end-entity certificate lives longer than this; for reservations, whose certificate may be unknown. */
const LONGEST_LIFE: Ms = 3_660 * DAY;
/** A signing takes seconds; one that is older than this and has not ended never will. */
export const SIGNING_TIME: Ms = 600_000;
/** A CRL is renewed with each revocation; one that nobody renews is to be missed within a month. */
export const CRL_LIFE: Ms = 30 * DAY;
/** A clock this far behind what was already written was set back, or had run ahead. */
const CLOCK_TOLERANCE: Ms = 300_000;

/**
 * Issues a certificate: reserves its serial number, has it signed, records it, tells it. `by` and `why` go into the
 * log. Rejects with `RequestRefused` (written to the log as refused), `AuthorityUnavailable`, or a Fault of the storage.
 */
export async function issue(
  issuance: Issuance,
  wish: Wish,
  by: string,
  why: string,
  replaces?: Replacement,
): Promise<Issued> {
  const { clock, random, events, ledger } = issuance;
  const { profile, holder, csr, publicKey, dnsNames = [], uris = [], subject, follows, life } = wish;
  const asked = { profile, holder, csr, publicKey, dnsNames, uris, subject, follows };
  return await throughDoor(issuance, async (door) => {
    const now = clock.now();
    tellClock(issuance, now);
    const octets = positiveSerial(random.bytes(16));
    const serial = hex(octets);
    const notBefore = Math.floor((now - BACKDATE) / 1000) * 1000;
    const notAfter = life === undefined ? undefined : notBefore + life;
    const note = { by, holder, serial };
    ledger.reserve(
      serial,
      { holder, profile, at: now, notAfter: notAfter ?? notBefore + LONGEST_LIFE },
      { ...note, action: 'requested', detail: `${profile}: ${why}` },
    );
    let signed;
    try {
      signed = await door.issue({ ...asked, serial: octets, notBefore, notAfter });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (error instanceof RequestRefused) ledger.release(serial, { ...note, action: 'refused', detail }, clock.now());
      // Whether it was signed is unknown: the serial number stays reserved, and is withdrawn.
      else ledger.appendAudit({ ...note, action: 'failed', detail }, clock.now());
      throw error;
    }
    const record = recordOf(signed.certificate, profile, holder, clock.now());
    if (record.serial !== serial)
      throw new Error(`the signer used serial number ${record.serial} instead of ${serial}`);
    ledger.add(
      record,
      {
        ...note,
        action: replaces === undefined ? 'issued' : 'renewed',
        detail: `${profile}: ${why}${vainly(signed.ignored)}`,
      },
      replaces,
    );
    events.tell({ kind: 'issued', serial, holder, profile, subject: record.subject, notAfter: record.notAfter });
    return { record, ...signed };
  });
}

/** For the log: what a request asked for that only a profile gives. */
function vainly(ignored: readonly string[]): string {
  return ignored.length === 0 ? '' : `; asked in vain for ${ignored.join(', ')}`;
}

/** Writes down a request that was refused before it came to the authority: a wrong token, an account that may not. */
export function refuse(
  issuance: Pick<Issuance, 'clock' | 'ledger'>,
  holder: string | undefined,
  by: string,
  why: string,
): void {
  issuance.ledger.appendAudit({ action: 'refused', by, holder, detail: why }, issuance.clock.now());
}

/** A CRL of all that is withdrawn; signings that did not end are given up first. */
export async function signCrl(issuance: Issuance, by: string): Promise<SignedCrl> {
  const { clock, ledger } = issuance;
  return await throughDoor(issuance, async (door) => {
    const now = clock.now();
    tellClock(issuance, now);
    ledger.abandon(now - SIGNING_TIME, now, by);
    const number = ledger.nextCrlNumber();
    const revoked = ledger.withdrawn(now - 2 * CRL_LIFE);
    const thisUpdate = notBackwards(now, ledger.auditHead()?.at);
    const signed = await door.signCrl({ number, thisUpdate, nextUpdate: thisUpdate + CRL_LIFE, revoked });
    ledger.appendAudit({ action: 'crl', by, detail: `CRL ${number} with ${revoked.length} entries` }, now);
    return signed;
  });
}

/** Opens the door, and closes it whatever happens. */
async function throughDoor<T>(issuance: Issuance, act: (door: SigningDoor) => Promise<T>): Promise<T> {
  let door: SigningDoor;
  try {
    door = await issuance.door();
  } catch (error) {
    throw new AuthorityUnavailable(
      `the authority cannot sign: ${error instanceof Error ? error.message : String(error)}`,
      { ...(error instanceof AuthorityUnavailable ? { hint: error.hint, locked: error.locked } : {}), cause: error },
    );
  }
  try {
    return await act(door);
  } finally {
    door.close();
  }
}

/**
 * A CRL is not older than the one before it. But only by a little: when the clock had run far ahead, a CRL of the
 * right time is worth more than one that begins next year; its number still rises (RFC 5280 §5.2.3).
 */
function notBackwards(now: Ms, last: Ms | undefined): Ms {
  return last !== undefined && last > now && last - now <= CLOCK_TOLERANCE ? last : now;
}

/**
 * A clock behind what is written was set back now or was ahead then: nobody here can know which, and to refuse would
 * lock a CA out for as long as it was ahead. So it is told, here and in the log; a clock before the CA's own beginning
 * is refused by the authority.
 */
function tellClock({ events, ledger }: Issuance, now: Ms): void {
  const behind = (ledger.auditHead()?.at ?? now) - now;
  if (behind <= CLOCK_TOLERANCE) return;
  const detail = `the clock is ${Math.round(behind / 1000)} s behind the last entry of the issuance log; set it right, and look at "sealpost audit list" for what was signed meanwhile`;
  events.tell({ kind: 'trouble', where: 'clock', detail });
}

function recordOf(der: Bytes, profile: ProfileName, holder: string, now: Ms): LedgerRecord {
  const certificate = parseCertificate(der);
  if (certificate === undefined) throw new Error('the signer gave something that is no certificate');
  return {
    serial: certificate.serial,
    holder,
    profile,
    subject: encodeName(certificate.subject),
    issuer: encodeName(certificate.issuer),
    fingerprint: fingerprintOf(der),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    issuedAt: now,
    state: 'active',
    revokedAt: undefined,
    reason: undefined,
    replacedBy: undefined,
    overlapEnds: undefined,
    certificate: der,
  };
}
