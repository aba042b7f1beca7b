/**
 * By which CA a certificate that verified was verified. OpenSSL says only that some chain to some trusted root is good;
 * rights hang on which. Chains are followed by signatures alone, never by names.
 */
import type { Ms } from '../../base/clock.ts';

/** The cryptography that following a chain takes. None of it ever throws. */
export interface CertificateCrypto {
  /** Whether the key of `issuer` signed `certificate`, and names and extensions of both let it. */
  issued(certificate: Uint8Array, issuer: Uint8Array): boolean;
  /** SHA-256, lower-case hexadecimal. */
  digest(bytes: Uint8Array): string;
  /** Whether the key (SubjectPublicKeyInfo, DER) signed these octets by this algorithm (dotted). */
  signed(publicKey: Uint8Array, algorithm: string, bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** A certificate of a CA that may stand in a chain. */
export interface AuthorityCertificate {
  readonly der: Uint8Array;
  /** Serial number, as certificates have it. */
  readonly serial: string;
  /** Names the CA by name and key: the same for all its certificates. */
  readonly keyId: string;
  readonly notAfter: Ms;
  /** A root that TLS trusts: a chain may end here. */
  readonly root: boolean;
  /** Name of the trust folder; undefined: our own CA, or one of `tls.authorities`. */
  readonly authority: string | undefined;
}

export interface Chain {
  /** The issuer first, the root last. */
  readonly issuers: readonly AuthorityCertificate[];
  readonly authority: string | undefined;
}

/** More certificates stand in no chain that anybody uses. */
const LONGEST = 8;
/** Pairs that are tried for one certificate: enough for hundreds of CAs, and an end for those that sign each other. */
const TRIES = 4_000;

/**
 * All chains from a certificate to a root, among these; shortest first. None at all when they are so many or so long that
 * not all were found: rights follow from all of them together.
 */
export function chainsOf(
  leaf: Uint8Array,
  known: readonly AuthorityCertificate[],
  crypto: CertificateCrypto,
): readonly Chain[] {
  const chains: Chain[] = [];
  let open: readonly (readonly AuthorityCertificate[])[] = [[]];
  let tries = 0;
  while (open.length > 0) {
    const longer: (readonly AuthorityCertificate[])[] = [];
    for (const path of open) {
      const last = path.at(-1);
      for (const issuer of known) {
        if (path.includes(issuer)) continue;
        if ((tries += 1) > TRIES) return [];
        if (!crypto.issued(last?.der ?? leaf, issuer.der)) continue;
        const next = [...path, issuer];
        if (issuer.root) chains.push({ issuers: next, authority: issuer.authority });
        else if (next.length < LONGEST) longer.push(next);
        else return [];
      }
    }
    open = longer;
  }
  return chains;
}
