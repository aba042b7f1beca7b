/**
 * CAs from outside whose certificates are trusted by rules of their own (`trust add`). TLS has verified a chain to some
 * root before this is asked; here it is found out to which, so that the rules of one CA never hold for another's
 * certificates, and what that CA revoked. When it cannot be found out, the certificate counts for nothing.
 */
import type { Ms } from '../../base/clock.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import type { PeerCertificate } from '../connection/connection.ts';
import { ListJudge, type ConfiguredLists } from './configured-lists.ts';
import { chainsOf, type AuthorityCertificate, type CertificateCrypto, type Chain } from './chain.ts';
import type { ForeignIdentity, IdentityReason } from './principal.ts';
import { isCurrent, revocationOf, type RevocationList } from './revocation-list.ts';
import { nameByRule, ruledCertificate, type RuledCertificate, type TrustRule } from './trust-rule.ts';

/** One CA from outside. Plain data, fit for postMessage. */
export interface ForeignAuthority {
  readonly name: string;
  /** `trust/NAME/trust.yaml`. */
  readonly source: string;
  readonly rules: readonly TrustRule[];
  /** Undefined: revocation is not asked for. */
  readonly revocation: ForeignRevocation | undefined;
}

export interface ForeignRevocation {
  /** What is done while a list is missing or has run out. */
  readonly expired: 'refuse' | 'accept';
  readonly lists: readonly RevocationList[];
}

/** All that is trusted, as one value that is swapped whole. */
export interface ForeignSnapshot {
  readonly authorities: readonly ForeignAuthority[];
  /** Theirs, and those of our own CA and `tls.authorities`, so that every chain has its end. */
  readonly certificates: readonly AuthorityCertificate[];
  /** PEM of what TLS has to trust besides what the configuration names. */
  readonly pem: readonly string[];
  /** Lists of the CAs that are trusted by no rules. */
  readonly lists?: ConfiguredLists | undefined;
}

export const nothingForeign: ForeignSnapshot = { authorities: [], certificates: [], pem: [] };

export type ForeignJudgement =
  /** Of our own CA or one of `tls.authorities`: the access map decides. */
  | { readonly kind: 'other' }
  | { readonly kind: 'trusted'; readonly foreign: ForeignIdentity }
  | { readonly kind: 'refused'; readonly reason: IdentityReason; readonly foreign: ForeignIdentity | undefined };

export interface ForeignTrust {
  /** False: nobody from outside is trusted by rules, and there are no lists of others, so there is nothing to ask. */
  readonly active: boolean;
  replace(snapshot: ForeignSnapshot): void;
  /** What a certificate whose chain TLS verified is worth at this time. */
  judge(certificate: PeerCertificate, now: Ms): ForeignJudgement;
  /** CA certificates that a peer sent to another thread; believed only when the chains of all of them are good. */
  learn(ders: readonly Uint8Array[], now: Ms): void;
}

/** Chains that are remembered. */
const REMEMBERED = 4_096;
/** CA certificates that peers sent along and that resumed sessions will not send again. */
const LEARNED = 256;
/** Who sends more with a certificate hides something in it. */
const MOST_SENT = 16;

interface Seen {
  readonly chains: readonly Chain[];
  readonly ruled: RuledCertificate | undefined;
}

/** `learned` is told of CA certificates that a peer sent and that are needed, so that other threads know them too. */
export function foreignTrust(
  crypto: CertificateCrypto,
  learned: (ders: readonly Uint8Array[]) => void = () => {},
): ForeignTrust {
  return new Trust(crypto, learned);
}

class Trust implements ForeignTrust {
  readonly #crypto: CertificateCrypto;
  readonly #told: (ders: readonly Uint8Array[]) => void;
  #snapshot: ForeignSnapshot = nothingForeign;
  #byName: ReadonlyMap<string, ForeignAuthority> = new Map();
  /** Undefined: there are no lists of the other CAs. */
  #lists: ListJudge | undefined;
  /** By fingerprint. */
  readonly #learned = new Map<string, AuthorityCertificate>();
  readonly #seen = new Map<string, Seen>();

  constructor(crypto: CertificateCrypto, told: (ders: readonly Uint8Array[]) => void) {
    this.#crypto = crypto;
    this.#told = told;
  }

  get active(): boolean {
    return this.#byName.size > 0 || this.#lists !== undefined;
  }

  replace(snapshot: ForeignSnapshot): void {
    this.#snapshot = snapshot;
    this.#byName = new Map(snapshot.authorities.map((authority) => [authority.name, authority]));
    this.#lists = snapshot.lists && new ListJudge(snapshot.lists, this.#crypto);
    this.#seen.clear();
  }

  judge(certificate: PeerCertificate, now: Ms): ForeignJudgement {
    if (!this.active) return { kind: 'other' };
    const { chains, ruled } = this.#look(certificate, now);
    if (ruled === undefined || chains.length === 0) return { kind: 'refused', reason: 'no-chain', foreign: undefined };
    return this.#judgeChains(chains, ruled, now);
  }

  learn(ders: readonly Uint8Array[], now: Ms): void {
    const { crypto, pool } = { crypto: this.#crypto, pool: this.#pool() };
    const learned = ders.map((der) => authorityCertificate(der, undefined, false, crypto)).filter(isKnown);
    const isGood = ({ der }: AuthorityCertificate): boolean => chainsOf(der, [...learned, ...pool], crypto).length > 0;
    if (learned.length === ders.length && learned.every(isGood)) this.#keep(learned, now);
  }

  /**
   * OpenSSL verified one of these chains, and which one is not told: path lengths and name constraints are its affair. So
   * a certificate has what all of its CAs give it, and is refused what one of them refuses.
   */
  #judgeChains(chains: readonly Chain[], ruled: RuledCertificate, now: Ms): ForeignJudgement {
    const current = chains.filter((chain) => chain.issuers.every(({ notAfter }) => now <= notAfter));
    const names = new Set((current.length === 0 ? chains : current).map(({ authority }) => authority));
    const found: ForeignIdentity[] = [];
    if (this.#lists !== undefined && names.has(undefined)) {
      const others = (current.length === 0 ? chains : current).filter(({ authority }) => authority === undefined);
      const reason = this.#lists.fault(others, ruled.certificate.serial, this.#pool(), now);
      if (reason !== undefined) return { kind: 'refused', reason, foreign: undefined };
    }
    for (const name of names) {
      const authority = name === undefined ? undefined : this.#byName.get(name);
      if (authority === undefined) continue;
      const foreign = identityOf(authority, ruled);
      if (current.length === 0) return { kind: 'refused', reason: 'expired', foreign };
      const own = current.filter((chain) => chain.authority === name);
      const reason = statusFault(own, authority, ruled, now);
      if (reason !== undefined) return { kind: 'refused', reason, foreign };
      found.push(foreign);
    }
    const [first] = found;
    if (first === undefined) return { kind: 'other' };
    const alone = found.length === names.size;
    const rule = alone && found.every((one) => one.rule !== undefined) ? first.rule : undefined;
    const mapDecides = found.every((one) => one.mapDecides);
    return { kind: 'trusted', foreign: { ...first, rule, mapDecides } };
  }

  #look(certificate: PeerCertificate, now: Ms): Seen {
    const { fingerprint } = certificate;
    let seen = this.#seen.get(fingerprint);
    // A session that begins anew may bring what was missing, or more.
    if (seen === undefined || (certificate.issuers?.length ?? 0) > 0) seen = this.#follow(certificate, now);
    this.#seen.delete(fingerprint);
    this.#seen.set(fingerprint, seen);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value as string);
    return seen;
  }

  #pool(): AuthorityCertificate[] {
    return [...this.#snapshot.certificates, ...this.#learned.values()];
  }

  #follow({ der, fingerprint, issuers = [] }: PeerCertificate, now: Ms): Seen {
    const crypto = this.#crypto;
    const pool = this.#pool();
    const digests = new Set(pool.map((one) => crypto.digest(one.der)));
    const fresh = issuers.filter((issuer) => !digests.has(crypto.digest(issuer)));
    const before = this.#seen.get(fingerprint);
    if (before !== undefined && before.chains.length > 0 && fresh.length === 0) return before;
    const ruled = ruledCertificate(der, fingerprint, (bytes) => crypto.digest(bytes));
    const sent = fresh.map((issuer) => authorityCertificate(issuer, undefined, false, crypto)).filter(isKnown);
    // What OpenSSL can read and we cannot may be what it went by.
    if (sent.length < fresh.length || issuers.length > MOST_SENT) return { chains: [], ruled };
    const chains = this.#chains(der, [...sent, ...pool]);
    const used = sent.filter((issuer) => chains.some((chain) => chain.issuers.includes(issuer)));
    if (used.length > 0 && this.#keep(used, now)) this.#told(used.map((issuer) => issuer.der));
    return { chains, ruled };
  }

  /** A root of its own need not be allowed to sign certificates: OpenSSL takes it for what it is. */
  #chains(der: Uint8Array, known: readonly AuthorityCertificate[]): readonly Chain[] {
    const chains = chainsOf(der, known, this.#crypto);
    if (chains.length > 0) return chains;
    const digest = this.#crypto.digest(der);
    const itself = this.#snapshot.certificates.find((one) => this.#crypto.digest(one.der) === digest);
    return itself === undefined ? [] : [{ issuers: [], authority: itself.authority }];
  }

  /** All of them or none: with some alone, other chains would be found later than those that were verified. */
  #keep(issuers: readonly AuthorityCertificate[], now: Ms): boolean {
    for (const [key, { notAfter }] of this.#learned) if (notAfter < now) this.#learned.delete(key);
    const added = issuers
      .map((issuer) => [this.#crypto.digest(issuer.der), issuer] as const)
      .filter(([key]) => !this.#learned.has(key));
    if (this.#learned.size + added.length > LEARNED) return false;
    for (const [key, issuer] of added) this.#learned.set(key, issuer);
    // Certificates whose chain was not complete may have one now, others one more.
    if (added.length > 0) this.#seen.clear();
    return true;
  }
}

function isKnown(one: AuthorityCertificate | undefined): one is AuthorityCertificate {
  return one !== undefined;
}

/**
 * A certificate as chains hold it; undefined when it cannot be read. Whether it is a CA's is for OpenSSL, which takes
 * more for one than RFC 5280 does.
 */
export function authorityCertificate(
  der: Uint8Array,
  authority: string | undefined,
  root: boolean,
  crypto: CertificateCrypto,
): AuthorityCertificate | undefined {
  const certificate = parseCertificate(der);
  if (certificate === undefined) return undefined;
  const { serial, notAfter, subject, publicKey } = certificate;
  return { der, serial, notAfter, keyId: keyIdOf(subject, publicKey, crypto), root, authority };
}

/** Names a CA by name and key; both in DER. */
export function keyIdOf(subject: Uint8Array, publicKey: Uint8Array, crypto: Pick<CertificateCrypto, 'digest'>): string {
  return `${crypto.digest(subject)}${crypto.digest(publicKey)}`;
}

function identityOf(authority: ForeignAuthority, ruled: RuledCertificate): ForeignIdentity {
  const { name: label, source, rules } = authority;
  const mapDecides = rules.some(({ match }) => match.kind === 'access');
  for (const rule of rules) {
    const name = nameByRule(rule.match, ruled);
    if (name === undefined) continue;
    return { authority: label, name, rule: { text: rule.text, source: rule.source }, mapDecides, source };
  }
  return { authority: label, name: undefined, rule: undefined, mapDecides, source };
}

/** What a CA says of the revocation of a certificate, and of the CAs between, by all chains that lead to it. */
function statusFault(
  chains: readonly Chain[],
  { revocation }: ForeignAuthority,
  { certificate }: RuledCertificate,
  now: Ms,
): IdentityReason | undefined {
  if (revocation === undefined) return undefined;
  let unknown = false;
  for (const chain of chains) {
    for (const [index, issuer] of chain.issuers.entries()) {
      const serial = index === 0 ? certificate.serial : chain.issuers[index - 1]?.serial;
      const lists = revocation.lists.filter(
        (list) => list.issuer === issuer.keyId && list.scope !== (index === 0 ? 'authorities' : 'users'),
      );
      for (const list of lists) {
        const found = revocationOf(list, serial ?? '');
        if (found !== undefined) return found;
      }
      // What a CA above says of the one below counts when its list is there; of the certificate itself it must be there.
      if (!lists.some((list) => isCurrent(list, now)) && (index === 0 || lists.length > 0)) unknown = true;
    }
  }
  return unknown && revocation.expired === 'refuse' ? 'no-status' : undefined;
}
