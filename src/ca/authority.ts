/**
 * The only door to the issuing key. The caller (network-facing, or the CLI) prepares what it wants signed, names the
 * profile and keeps the ledger; behind the door sits the key, in a process of its own with no socket and no writes,
 * which checks the profile, lints, and signs.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { ProfileName, RevocationReason } from './ledger.ts';

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
}

export interface CrlRequest {
  readonly number: number;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
  readonly revoked: readonly { readonly serial: string; readonly at: Ms; readonly reason: RevocationReason }[];
}

export interface SigningDoor {
  /** Rejects with an Error that says what is wrong with the request and by which section of RFC 5280. */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
  /** A CRL, DER. */
  signCrl(request: CrlRequest): Promise<Bytes>;
  close(): void;
}
