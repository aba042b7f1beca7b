/**
 * CAs from outside whose certificates are trusted by rules of their own (`trust add`). TLS has verified a chain to some
 * root before this is asked; here it is found out to which, so that the rules of one CA never hold for another's
 * certificates, and what that CA revoked. When it cannot be found out, the certificate counts for nothing.
 */
import type { Ms } from '../../base/clock.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import type { PeerCertificate } from '../connection/connection.ts';
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
}

export const nothingForeign: ForeignSnapshot = { authorities: [], certificates: [], pem: [] };

export type ForeignJudgement =
  /** Of our own CA or one of `tls.authorities`: the access map decides. */
  | { readonly kind: 'other' }
  | { readonly kind: 'trusted'; readonly foreign: ForeignIdentity }
  | { readonly kind: 'refused'; readonly reason: IdentityReason; readonly foreign: ForeignIdentity | undefined };

export interface ForeignTrust {
  /** False: nobody from outside is trusted by rules, so there is nothing to ask. */
  readonly active: boolean;
  replace(snapshot: ForeignSnapshot): void;
  /** What a certificate whose chain TLS verified is worth at this time. */
  judge(certificate: PeerCertificate, now: Ms): ForeignJudgement;
  /** A CA's certificate that a peer sent to another thread; believed only when its own chain is good. */
  learn(der: Uint8Array): void;
}

/** Chains that are remembered. */
const REMEMBERED = 4_096;
/** CA certificates that peers sent along and that resumed sessions will not send again. */
const LEARNED = 256;

interface Seen {
  readonly chains: readonly Chain[];
  readonly ruled: RuledCertificate | undefined;
}

/** `learned` is told of every CA certificate that a peer sent and that is needed, so that other threads know it too. */
export function foreignTrust(crypto: CertificateCrypto, learned: (der: Uint8Array) => void = () => {}): ForeignTrust {
  return new Trust(crypto, learned);
}

class Trust implements ForeignTrust {
  readonly #crypto: CertificateCrypto;
  readonly #told: (der: Uint8Array) => void;
  #snapshot: ForeignSnapshot = nothingForeign;
  #byName: ReadonlyMap<string, ForeignAuthority> = new Map();
  /** By fingerprint. */
  readonly #learned = new Map<string, AuthorityCertificate>();
  readonly #seen = new Map<string, Seen>();

  constructor(crypto: CertificateCrypto, told: (der: Uint8Array) => void) {
    this.#crypto = crypto;
    this.#told = told;
  }

  get active(): boolean {
    return this.#byName.size > 0;
  }

  replace(snapshot: ForeignSnapshot): void {
    this.#snapshot = snapshot;
    this.#byName = new Map(snapshot.authorities.map((authority) => [authority.name, authority]));
    this.#seen.clear();
  }

  judge(certificate: PeerCertificate, now: Ms): ForeignJudgement {
    if (!this.active) return { kind: 'other' };
    const { chains, ruled } = this.#look(certificate);
    if (ruled === undefined || chains.length === 0) return { kind: 'refused', reason: 'no-chain', foreign: undefined };
    const foreign = chains.filter(({ authority }) => authority !== undefined);
    if (foreign.length === 0) return { kind: 'other' };
    return this.#judgeChains(foreign, ruled, now);
  }

  learn(der: Uint8Array): void {
    this.#add(der);
  }

  /** A CA that two roots certify has several chains: what one of them revoked is revoked, what one of them allows is allowed. */
  #judgeChains(chains: readonly Chain[], ruled: RuledCertificate, now: Ms): ForeignJudgement {
    let best: ForeignJudgement | undefined;
    for (const chain of chains) {
      const authority = this.#byName.get(chain.authority as string);
      if (authority === undefined) continue;
      const foreign = identityOf(authority, ruled);
      const reason = faultOf(chain, authority, ruled, now);
      if (reason === 'revoked' || reason === 'suspended') return { kind: 'refused', reason, foreign };
      const judgement: ForeignJudgement =
        reason === undefined ? { kind: 'trusted', foreign } : { kind: 'refused', reason, foreign };
      if (best === undefined || rank(judgement) > rank(best)) best = judgement;
    }
    return best ?? { kind: 'refused', reason: 'no-chain', foreign: undefined };
  }

  #look(certificate: PeerCertificate): Seen {
    const { fingerprint } = certificate;
    let seen = this.#seen.get(fingerprint);
    // A session that begins anew may bring what was missing.
    if (seen === undefined || (seen.chains.length === 0 && (certificate.issuers?.length ?? 0) > 0)) {
      seen = this.#follow(certificate);
    }
    this.#seen.delete(fingerprint);
    this.#seen.set(fingerprint, seen);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value as string);
    return seen;
  }

  #follow({ der, fingerprint, issuers = [] }: PeerCertificate): Seen {
    const ruled = ruledCertificate(der, fingerprint, (bytes) => this.#crypto.digest(bytes));
    const pool = [...this.#snapshot.certificates, ...this.#learned.values()];
    const known = new Set(pool.map((one) => this.#crypto.digest(one.der)));
    const sent = issuers
      .filter((issuer) => !known.has(this.#crypto.digest(issuer)))
      .map((issuer) => authorityCertificate(issuer, undefined, false, this.#crypto))
      .filter((issuer) => issuer !== undefined);
    const chains = chainsOf(der, [...sent, ...pool], this.#crypto);
    for (const issuer of sent) {
      if (!chains.some((chain) => chain.issuers.includes(issuer))) continue;
      this.#add(issuer.der);
      this.#told(issuer.der);
    }
    return { chains, ruled };
  }

  #add(der: Uint8Array): void {
    const issuer = authorityCertificate(der, undefined, false, this.#crypto);
    if (issuer === undefined) return;
    const fingerprint = this.#crypto.digest(der);
    if (this.#learned.has(fingerprint)) return;
    if (chainsOf(der, [...this.#snapshot.certificates, ...this.#learned.values()], this.#crypto).length === 0) return;
    this.#learned.set(fingerprint, issuer);
    if (this.#learned.size > LEARNED) this.#learned.delete(this.#learned.keys().next().value as string);
    // Certificates whose chain was not complete may have one now.
    for (const [key, { chains }] of this.#seen) if (chains.length === 0) this.#seen.delete(key);
  }
}

/** A CA's certificate as chains hold it; undefined when it is none. */
export function authorityCertificate(
  der: Uint8Array,
  authority: string | undefined,
  root: boolean,
  crypto: CertificateCrypto,
): AuthorityCertificate | undefined {
  const certificate = parseCertificate(der);
  if (certificate === undefined || !certificate.isCa) return undefined;
  const { serial, notAfter, subject, publicKey } = certificate;
  return { der, serial, notAfter, keyId: keyIdOf(subject, publicKey, crypto), root, authority };
}

/** Names a CA by name and key; both in DER. */
export function keyIdOf(subject: Uint8Array, publicKey: Uint8Array, crypto: Pick<CertificateCrypto, 'digest'>): string {
  return `${crypto.digest(subject)}${crypto.digest(publicKey)}`;
}

function rank(judgement: ForeignJudgement): number {
  if (judgement.kind !== 'trusted') return 0;
  return judgement.foreign.rule === undefined ? 1 : 2;
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

/** Why a chain is not good any more, or is revoked. */
function faultOf(
  chain: Chain,
  authority: ForeignAuthority,
  { certificate }: RuledCertificate,
  now: Ms,
): IdentityReason | undefined {
  const { revocation } = authority;
  let unknown = false;
  for (const [index, issuer] of chain.issuers.entries()) {
    if (now > issuer.notAfter) return 'expired';
    if (revocation === undefined) continue;
    const subject = index === 0 ? certificate : chain.issuers[index - 1];
    const lists = revocation.lists.filter(
      (list) => list.issuer === issuer.keyId && list.scope !== (index === 0 ? 'authorities' : 'users'),
    );
    for (const list of lists) {
      const found = revocationOf(list, subject?.serial ?? '');
      if (found !== undefined) return found;
    }
    // What a CA above says of the one below counts when its list is there; of the certificate itself it must be there.
    if (!lists.some((list) => isCurrent(list, now)) && (index === 0 || lists.length > 0)) unknown = true;
  }
  return unknown && revocation?.expired === 'refuse' ? 'no-status' : undefined;
}
