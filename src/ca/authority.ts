/**
 * The only door to the issuing key. The caller (network-facing, or the CLI) prepares what it wants signed, names the
 * profile and keeps the ledger; behind the door sits the key, in a process of its own with no socket and no writes,
 * which checks the profile, lints, and signs.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { ProfileName, RevocationReason } from './ledger.ts';

/** Where clients find what this CA publishes, for certificates issued from now on; each list may be empty. */
export interface AuthorityUrls {
  /** CRL, DER: cRLDistributionPoints (RFC 5280 §4.2.1.13). */
  readonly crl: readonly string[];
  /** OCSP responder: authorityInfoAccess (RFC 5280 §4.2.2.1). */
  readonly ocsp: readonly string[];
  /** Certificate of the issuing CA, DER: caIssuers of authorityInfoAccess. */
  readonly issuer: readonly string[];
}

/** What an operator decides about all certificates; given when the door is opened. */
export interface AuthorityTerms {
  readonly urls: AuthorityUrls;
  /** Usual lives by profile, where they are not those of the profile. */
  readonly lifetimes: Readonly<Partial<Record<ProfileName, Ms>>>;
  /** Template of subjects (`C=JP, CN={holder}`) for requests that bring none; undefined: `CN={holder}`. */
  readonly subject: string | undefined;
}

/** How the issuing key is kept: in clear, locked with a passphrase, or unlocked by one that would have to be given again. */
export type KeyState = 'open' | 'locked' | 'protected';

/** Terms of an authority that publishes nothing and changes nothing. */
export const usualTerms: AuthorityTerms = {
  urls: { crl: [], ocsp: [], issuer: [] },
  lifetimes: {},
  subject: undefined,
};

export interface IssueRequest {
  readonly profile: ProfileName;
  /** Person: an address; device and service: a name; server: the host name. */
  readonly holder: string;
  /** PKCS#10, DER: subject kept as it stands; proof of possession is checked. Else `publicKey`. */
  readonly csr: Uint8Array | undefined;
  /** SubjectPublicKeyInfo, DER, for a key made by the caller. */
  readonly publicKey: Uint8Array | undefined;
  /** dNSName entries, for server and device. */
  readonly dnsNames: readonly string[];
  /** uniformResourceIdentifier, for a workload: one SPIFFE ID or none. */
  readonly uris: readonly string[];
  /** RFC 4514 text; wins over the subject of a CSR. Undefined: the CSR's, else the template's. */
  readonly subject: string | undefined;
  /**
   * The certificate that this one renews, DER: its subject is kept octet by octet unless another is given, and a life
   * longer than is allowed now is cut instead of refused. Undefined: it renews none.
   */
  readonly follows?: Uint8Array | undefined;
  /** 16 octets from the caller's Random; the top bit is cleared. */
  readonly serial: Uint8Array;
  readonly notBefore: Ms;
  /** Undefined: the profile's life. */
  readonly notAfter: Ms | undefined;
}

export interface IssuedCertificate {
  readonly certificate: Bytes;
  /** Issuing intermediate and root, DER, in that order. */
  readonly chain: readonly Bytes[];
  /** What the CSR asked for and did not get, in words; to be told to whoever asked. */
  readonly ignored: readonly string[];
}

export interface CrlRequest {
  readonly number: number;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
  readonly revoked: readonly { readonly serial: string; readonly at: Ms; readonly reason: RevocationReason }[];
}

/** The same list twice, DER. */
export interface SignedCrl {
  /** With an issuing distribution point that says "end entities only", critical (RFC 5280 §5.2.5). */
  readonly crl: Bytes;
  /** Without: for programs that refuse a list with this extension, such as NSS. The issuing CA certifies nothing else. */
  readonly plain: Bytes;
}

export interface SigningDoor {
  /** Rejects with an Error that says what is wrong with the request and by which section of RFC 5280. */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
  signCrl(request: CrlRequest): Promise<SignedCrl>;
  close(): void;
}
