/**
 * Revocation lists that the configuration names, of CAs whose holders the access map decides about. Whose a list is shows
 * only when it is asked: the CA may be one that a peer sent along. What Sendmail lets pass is refused here, unless the
 * configuration asks for its way: a list that could not be read may be the one that names the certificate.
 */
import type { Ms } from '../../base/clock.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import type { RevocationListContent } from '../../protocol/pki/crl-read.ts';
import type { AuthorityCertificate, CertificateCrypto, Chain } from './chain.ts';
import type { IdentityReason } from './principal.ts';
import { isCurrent, revocationList, revocationOf, type RevocationList } from './revocation-list.ts';

/** A list whose signature is still to be checked. Crosses to other threads without being copied. */
export interface UncheckedList {
  /** Its `issuer` is the digest of the name alone. */
  readonly list: RevocationList;
  /** Dotted. */
  readonly algorithm: string;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

export interface ConfiguredLists {
  readonly lists: readonly UncheckedList[];
  /** A list that is named could not be read: nobody can tell whose it is. */
  readonly incomplete: boolean;
}

/** A list from its octets and what was read in them. */
export function uncheckedList(
  der: Uint8Array,
  content: RevocationListContent,
  crypto: Pick<CertificateCrypto, 'digest'>,
): UncheckedList {
  const list = revocationList(der, content, crypto.digest(content.issuer));
  const start = content.signed.byteOffset - der.byteOffset;
  const signed = list.der.subarray(start, start + content.signed.length);
  return { list, algorithm: content.algorithm, signed, signature: content.signature.slice() };
}

/** Asks the lists; remembers which CA signed which. */
export class ListJudge {
  readonly #crypto: CertificateCrypto;
  readonly #given: ConfiguredLists;
  readonly #byName: ReadonlyMap<string, readonly UncheckedList[]>;
  readonly #signers = new Map<UncheckedList, Map<string, boolean>>();

  constructor(given: ConfiguredLists, crypto: CertificateCrypto) {
    this.#crypto = crypto;
    this.#given = given;
    this.#byName = Map.groupBy(given.lists, ({ list }) => list.issuer);
  }

  /** Why a certificate with this serial number is refused, by all chains that lead to it; `known`: CAs that exist. */
  fault(
    chains: readonly Chain[],
    serial: string,
    known: readonly AuthorityCertificate[],
    now: Ms,
  ): IdentityReason | undefined {
    let unknown = this.#given.incomplete;
    for (const { issuers } of chains) {
      for (const [index, issuer] of issuers.entries()) {
        const asked = index === 0 ? serial : (issuers[index - 1]?.serial ?? '');
        const found = this.#ask(issuer, asked, index === 0 ? 'authorities' : 'users', known, now);
        if (found === 'unknown') unknown = true;
        else if (found !== undefined) return found;
      }
    }
    return unknown ? 'no-status' : undefined;
  }

  /** What one CA says of a certificate. A CA without a list says nothing, or nobody whose CA publishes none could come in. */
  #ask(
    issuer: AuthorityCertificate,
    serial: string,
    other: RevocationList['scope'],
    known: readonly AuthorityCertificate[],
    now: Ms,
  ): 'revoked' | 'suspended' | 'unknown' | undefined {
    const named = (this.#byName.get(nameOf(issuer)) ?? []).filter(({ list }) => list.scope !== other);
    if (named.length === 0) return undefined;
    const own = named.filter((list) => this.#isSignedBy(list, issuer));
    for (const { list } of own) {
      const found = revocationOf(list, serial);
      if (found !== undefined) return found;
    }
    if (own.some(({ list }) => isCurrent(list, now))) return undefined;
    // Another CA may have the same name, before it changed its key for one: its lists do not speak of these certificates.
    const twins = known.filter((one) => nameOf(one) === nameOf(issuer) && one.keyId !== issuer.keyId);
    const isOfTwin = (list: UncheckedList): boolean => twins.some((twin) => this.#isSignedBy(list, twin));
    return own.length === 0 && named.every(isOfTwin) ? undefined : 'unknown';
  }

  #isSignedBy(list: UncheckedList, { der, keyId }: AuthorityCertificate): boolean {
    let signers = this.#signers.get(list);
    if (signers === undefined) this.#signers.set(list, (signers = new Map()));
    let signed = signers.get(keyId);
    if (signed === undefined) {
      signed = isListSignedBy(list, der, this.#crypto);
      signers.set(keyId, signed);
    }
    return signed;
  }
}

const CRL_SIGN = 0x02;

/** Whether the CA of this certificate may sign lists and signed this one (RFC 5280 §6.3.3 (f), (g)). */
export function isListSignedBy(
  { algorithm, signed, signature }: UncheckedList,
  issuer: Uint8Array,
  crypto: CertificateCrypto,
): boolean {
  const certificate = parseCertificate(issuer);
  if (certificate === undefined) return false;
  if (certificate.keyUsage !== undefined && (certificate.keyUsage & CRL_SIGN) === 0) return false;
  return crypto.signed(certificate.publicKey, algorithm, signed, signature);
}

/** Digest of the CA's name: the first half of its `keyId`. */
function nameOf({ keyId }: AuthorityCertificate): string {
  return keyId.slice(0, 64);
}
