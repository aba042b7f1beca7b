import type { PeerCertificate } from '../connection/connection.ts';

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
  /** TLS accepted it when its session began, and by which CA cannot be told any more. */
  | 'no-chain'
  /** Its CA's revocation list ran out, or is not there, and the trust says that it is needed. */
  | 'no-status'
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

/** A certificate of a CA from outside that is trusted by name (`trust add`). */
export interface ForeignIdentity {
  /** Name of the trust; no other CA's certificates have it. */
  readonly authority: string;
  /** What the rule found in the certificate; undefined without a rule. Not unique beyond this authority. */
  readonly name: string | undefined;
  /** The rule that lets it relay, and where it stands; undefined: none does. */
  readonly rule: { readonly text: string; readonly source: string } | undefined;
  /** Whether the access map, and AUTH EXTERNAL where that relays, may decide for it. */
  readonly mapDecides: boolean;
  /** Where its rules stand. */
  readonly source: string;
}

/**
 * Who a peer is. `verify` is Sendmail's ${verify} on the server side (SEMANTICS §1), '' without TLS. Only `verified`
 * carries rights; `holder` is set when our own CA issued the certificate and its record is active, `foreign`
 * when a CA from outside that is trusted by name did, and then there is no holder.
 */
export type Principal =
  | { readonly kind: 'anonymous'; readonly verify: '' | 'NO' | 'NOT'; readonly reason: IdentityReason }
  | {
      readonly kind: 'unverified';
      readonly verify: 'FAIL';
      readonly reason: IdentityReason;
      readonly certificate: CertificateFacts;
      readonly holder: string | undefined;
      readonly foreign?: ForeignIdentity | undefined;
      /** As it was shown; kept where it has to be judged again without a record. */
      readonly shown?: PeerCertificate | undefined;
    }
  | {
      readonly kind: 'verified';
      readonly verify: 'OK';
      readonly certificate: CertificateFacts;
      readonly holder: string | undefined;
      readonly foreign?: ForeignIdentity | undefined;
      readonly shown?: PeerCertificate | undefined;
    };

/**
 * What a peer is called in logs and in the queue: the holder of a certificate of ours, or `NAME via AUTHORITY` for one
 * of a CA from outside, which no holder of ours can be called, because their names have no blanks.
 */
export function principalName(principal: Principal): string | undefined {
  if (principal.kind === 'anonymous') return undefined;
  const { holder, foreign } = principal;
  return holder ?? (foreign?.name === undefined ? undefined : `${foreign.name} via ${foreign.authority}`);
}

/** The state of a certificate that our CA issued. */
export interface HolderRecord {
  readonly holder: string;
  readonly state: 'active' | 'suspended' | 'revoked';
  /** SHA-256 of the certificate, lower-case hexadecimal; when set, a certificate with another one is none of ours. */
  readonly fingerprint?: string | undefined;
}

/** What the ledger knows. It changes while sessions are open, so ask it again for each transaction. Throws when the ledger does not answer. */
export interface HolderDirectory {
  /** The record of a certificate with this issuer (Sendmail's form, see CertificateFacts) and serial; undefined when our CA never issued it. */
  find(issuer: string, serial: string): HolderRecord | undefined;
  /** Whether certificates of this issuer are of our own CA, so that one without a record is to be refused. */
  isOwnIssuer(issuer: string): boolean;
}
