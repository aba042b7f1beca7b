/** Certificates as the faces show them: plain values that go into JSON. */
import type { Ms } from '../base/clock.ts';
import type { CertificateState, LedgerRecord, ProfileName, RevocationReason } from '../ca/ledger.ts';
import { lineOf } from '../ca/renewal.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodePem } from '../protocol/pki/pem.ts';

export interface CertificateView {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly holder: string;
  readonly profile: ProfileName;
  readonly state: CertificateState;
  /** Its time is over: of no use whatever its state. */
  readonly ended: boolean;
  /** In Sendmail's form. */
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
  readonly issuedAt: Ms;
  readonly revokedAt: Ms | null;
  readonly reason: RevocationReason | null;
  /** Serial number of the one that took its place. */
  readonly replacedBy: string | null;
  /** Until when it stays good beside that one, its own end apart. */
  readonly overlapEnds: Ms | null;
}

/** One of a line of certificates that took each other's place. */
export type LineView = Pick<CertificateView, 'serial' | 'state' | 'ended' | 'notBefore' | 'notAfter' | 'replacedBy'>;

export interface CertificateDetails extends CertificateView {
  /** Names in subjectAltName. */
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
  /** Lines for an access map that let this certificate relay, and no other of its issuer. The ledger needs none. */
  readonly accessLines: readonly string[];
  readonly pem: string;
  /** Itself and all that it renewed and was renewed by, oldest first. */
  readonly line: readonly LineView[];
}

export function view(record: LedgerRecord, now: Ms): CertificateView {
  const { serial, holder, profile, state, subject, issuer, fingerprint, notBefore, notAfter, issuedAt } = record;
  return {
    serial,
    holder,
    profile,
    state,
    ended: notAfter <= now,
    subject,
    issuer,
    fingerprint,
    notBefore,
    notAfter,
    issuedAt,
    revokedAt: record.revokedAt ?? null,
    reason: record.reason ?? null,
    replacedBy: record.replacedBy ?? null,
    overlapEnds: record.overlapEnds ?? null,
  };
}

/** `ofHolder`: all certificates of its holder. */
export function details(record: LedgerRecord, ofHolder: readonly LedgerRecord[], now: Ms): CertificateDetails {
  const certificate = parseCertificate(record.certificate);
  return {
    ...view(record, now),
    emails: certificate?.emails ?? [],
    dnsNames: certificate?.dnsNames ?? [],
    accessLines: [
      accessLine('CERTISSUER', record.issuer, 'SUBJECT'),
      accessLine('CERTSUBJECT', record.subject, 'RELAY'),
    ],
    pem: encodePem('CERTIFICATE', record.certificate),
    line: lineOf(record, ofHolder).map((one) => {
      const { serial, state, ended, notBefore, notAfter, replacedBy } = view(one, now);
      return { serial, state, ended, notBefore, notAfter, replacedBy };
    }),
  };
}

/** What a look-up asks for is cut to this, tag included; a longer key would never be found, as with Sendmail. */
const KEY_LIMIT = 256;

function accessLine(tag: string, name: string, value: string): string {
  return `${`${tag}:${name}`.slice(0, KEY_LIMIT)}\t${value}`;
}
