/** Why a certificate is worth nothing here. Each has its own words in `reasonText` of `reason.ts`. */
export type IdentityReason =
  | 'no-tls'
  | 'not-asked'
  | 'no-certificate'
  | 'unknown-ca'
  | 'self-signed'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-use'
  | 'weak'
  | 'revoked'
  | 'suspended'
  /** It names our CA as its issuer, and the ledger does not know it. */
  | 'not-issued'
  | 'not-verified';

/** What we read in a certificate. DNs are in Sendmail's form: /C=JP/O=…, xtext-encoded (SEMANTICS §2). */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly commonName: string;
  readonly issuerCommonName: string;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly notAfter: number;
  /** rfc822Name and dNSName of subjectAltName. */
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
}

/**
 * Who a peer is. `verify` is Sendmail's ${verify} on the server side (SEMANTICS §1), '' without TLS. Only `verified`
 * carries rights; `holder` is set when our own CA issued the certificate and its record is active.
 */
export type Principal =
  | { readonly kind: 'anonymous'; readonly verify: '' | 'NO' | 'NOT'; readonly reason: IdentityReason }
  | {
      readonly kind: 'unverified';
      readonly verify: 'FAIL';
      readonly reason: IdentityReason;
      readonly certificate: CertificateFacts;
      readonly holder: string | undefined;
    }
  | {
      readonly kind: 'verified';
      readonly verify: 'OK';
      readonly certificate: CertificateFacts;
      readonly holder: string | undefined;
    };

/** The state of a certificate that our CA issued. */
export interface HolderRecord {
  readonly holder: string;
  readonly state: 'active' | 'suspended' | 'revoked';
  /** SHA-256 of the certificate, lower-case hexadecimal; when set, a certificate with another one is none of ours. */
  readonly fingerprint?: string | undefined;
}

/**
 * What the ledger knows, as every front thread holds it in memory: replaced and changed while sessions are open,
 * so ask it again for each transaction. `version` rises with every change.
 */
export interface HolderDirectory {
  /** The record of a certificate with this issuer (Sendmail's form, see CertificateFacts) and serial; undefined when our CA never issued it. */
  find(issuer: string, serial: string): HolderRecord | undefined;
  /** Whether certificates of this issuer are of our own CA, so that one without a record is to be refused. */
  isOwnIssuer(issuer: string): boolean;
  readonly version: number;
}
