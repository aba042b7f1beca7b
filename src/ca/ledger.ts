import type { Ms } from '../base/clock.ts';

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
  /** The certificate, DER. */
  readonly certificate: Uint8Array;
}

export interface LedgerFilter {
  readonly holder?: string;
  readonly serial?: string;
  readonly state?: CertificateState;
}

/** What the CA has issued and withdrawn: append and change of state, never deletion. Implemented by `storage/sqlite/ledger.ts`. */
export interface Ledger {
  /** Durable when it returns. Rejects when the serial is there. */
  add(record: LedgerRecord): void;
  find(filter: LedgerFilter): LedgerRecord[];
  /** Durable when it returns; gives the records changed. `at` and `reason` of one already revoked stay. */
  revoke(serials: readonly string[], reason: RevocationReason, at: Ms): LedgerRecord[];
  /** Rises with each change of state or addition; the relay polls it to see changes made by another process. */
  version(): number;
  /** Next CRL number, counted up durably (RFC 5280 §5.2.3). */
  nextCrlNumber(): number;
  close(): void;
}
