/**
 * What the CA has issued and withdrawn, as a port: append and change of state, never deletion. Whatever changes it is
 * told in the issuance log (`audit.ts`) in the same transaction, so neither is ever without the other.
 *
 * A certificate comes in three durable steps: `reserve` its serial number, have it signed, `add` it. So a process that
 * dies in between leaves a reservation and not an unknown certificate; `abandon` withdraws its serial number.
 * Implemented by `storage/sqlite/ledger.ts` and `storage/memory/ledger.ts`; contract in `ledger.suite.ts`.
 */
import type { Ms } from '../base/clock.ts';
import type { AuditEntry, AuditNote } from './audit.ts';

export type ProfileName = 'server' | 'person' | 'device' | 'service' | 'responder';
export type CertificateState = 'active' | 'suspended' | 'revoked';

/** Reasons of RFC 5280 §5.3.1 that we give, by name. */
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'privilegeWithdrawn';

/** One certificate that our CA issued. The holder is the person or device, not the key: a holder may have several. */
export interface LedgerRecord {
  /** Lower-case hexadecimal, unique. */
  readonly serial: string;
  /** Name of the holder: an address (`alice@example.net`), a host, or a device name. */
  readonly holder: string;
  readonly profile: ProfileName;
  /** In Sendmail's form (protocol/pki/name.ts), as the access map and the header have it. */
  readonly subject: string;
  readonly issuer: string;
  readonly fingerprint: string;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
  readonly issuedAt: Ms;
  readonly state: CertificateState;
  readonly revokedAt: Ms | undefined;
  readonly reason: RevocationReason | undefined;
  /** Serial number of the certificate that took this one's place, for the same holder. */
  readonly replacedBy: string | undefined;
  /** Until when this one stays valid beside that one. */
  readonly overlapEnds: Ms | undefined;
  /** The certificate, DER. */
  readonly certificate: Uint8Array;
}

/** All conditions must hold. Without `limit` all that fit are given: only for what is known to be few. */
export interface LedgerFilter {
  readonly holder?: string | undefined;
  readonly serial?: string | undefined;
  /** First digits of the serial number. */
  readonly serialBegins?: string | undefined;
  /** One of these states. */
  readonly state?: CertificateState | readonly CertificateState[] | undefined;
  /** notAfter is later than this. */
  readonly endsAfter?: Ms | undefined;
  /** notAfter is earlier than this. */
  readonly endsBefore?: Ms | undefined;
  /** Not revoked, replaced, and the overlap ended before this and before the certificate itself does. */
  readonly overlapEndsBefore?: Ms | undefined;
  /** True: nothing has taken its place. */
  readonly current?: true | undefined;
  /** By time of issue (the usual order) or by end; then by serial number. */
  readonly order?: 'issued' | 'ending' | undefined;
  readonly limit?: number | undefined;
  /** The last record of the page before. */
  readonly after?: Pick<LedgerRecord, 'issuedAt' | 'notAfter' | 'serial'> | undefined;
}

/** What a serial number is reserved for. */
export interface Reservation {
  readonly holder: string;
  readonly profile: ProfileName;
  readonly at: Ms;
  /** Latest end that the certificate may have: until then its serial number may have to be on the CRL. */
  readonly notAfter: Ms;
}

/** Certificates that a new one takes the place of. */
export interface Replacement {
  readonly serials: readonly string[];
  readonly overlapEnds: Ms;
}

/** An entry of a CRL. */
export interface Withdrawn {
  readonly serial: string;
  readonly at: Ms;
  readonly reason: RevocationReason;
}

export interface LedgerCounts {
  /** Active and not ended. */
  readonly active: number;
  readonly suspended: number;
  readonly revoked: number;
  /** Not revoked, and their time is over. */
  readonly ended: number;
  /** Serial numbers reserved, with a certificate neither added nor given up. */
  readonly pending: number;
  /** Serial numbers of signings that did not end; withdrawn. */
  readonly abandoned: number;
}

/** A certificate with the entries of the log that account for it. */
export interface Account {
  readonly record: LedgerRecord;
  /** The entry that brought it. */
  readonly brought: AuditEntry | undefined;
  /** The entry that withdrew it, or that brought it when it was withdrawn already. */
  readonly withdrawn: AuditEntry | undefined;
}

/** All writes are durable when they return; a method that throws (a Fault) has changed nothing. */
export interface Ledger {
  get(serial: string): LedgerRecord | undefined;
  find(filter: LedgerFilter): LedgerRecord[];
  /** How many records fit; `limit` and `after` do not count. */
  count(filter: LedgerFilter): number;
  counts(now: Ms): LedgerCounts;
  /** Names of holders around `name` in the order of the alphabet, at most `limit` on each side. */
  holdersNear(name: string, limit: number): string[];
  /** For the CRL: all that is withdrawn and ends after `endsAfter`, in no particular order. */
  withdrawn(endsAfter: Ms): Withdrawn[];
  /** The same for one serial number; undefined when it is not withdrawn. */
  withdrawal(serial: string): Withdrawn | undefined;

  /** Before anything is signed. Throws when the serial number is known, as that of a certificate or reserved. */
  reserve(serial: string, wish: Reservation, note: AuditNote): void;
  /** The authority refused to sign: nothing was, and the reservation is taken back. */
  release(serial: string, note: AuditNote, at: Ms): void;
  /** Gives up reservations made before `before`: their serial numbers are withdrawn, and can never be added. */
  abandon(before: Ms, at: Ms, by: string): string[];
  /** Completes the reservation, if there was one. Throws when the serial number is there, or was given up. */
  add(record: LedgerRecord, note: AuditNote, replaces?: Replacement): void;
  /** Gives the records changed. `at` and `reason` of one already revoked stay. One entry of the log for each. */
  revoke(serials: readonly string[], reason: RevocationReason, at: Ms, note: AuditNote): LedgerRecord[];
  /** Next CRL number, counted up (RFC 5280 §5.2.3). */
  nextCrlNumber(): number;
  /** The next one is higher than `number`, which was given out elsewhere. */
  raiseCrlNumber(number: number): void;

  /** Rises with each record added or changed; who watches it sees changes made by another process. */
  version(): number;
  /** Records added or changed after `version`, at most `limit`, in that order; `version` is that of the last one given. */
  changedSince(version: number, limit: number): { readonly version: number; readonly records: LedgerRecord[] };

  appendAudit(note: AuditNote, at: Ms): AuditEntry;
  /** Entries after the one of that number, at most `limit`. */
  audit(after: number, limit: number): AuditEntry[];
  /** The last entries that fit, at most `limit`, in the order in which they were written. */
  auditTail(limit: number, filter?: AuditFilter): AuditEntry[];
  auditHead(): AuditEntry | undefined;
  /** The number of the last entry ever appended, which is counted apart from the entries. */
  auditCount(): number;
  /** Certificates after this serial number, at most `limit`, in that order. */
  accounts(after: string, limit: number): Account[];
  close(): void;
}

export interface AuditFilter {
  readonly holder?: string | undefined;
  /** Not earlier than this. */
  readonly since?: Ms | undefined;
}
