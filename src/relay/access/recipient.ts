/**
 * Who may relay: the tests of a recipient in Sendmail's order (check_rcpt), and two of our own: for holders of
 * a certificate that our CA issued, and for certificates that a rule about a CA from outside names. The first test that has an opinion decides.
 */
import { reasonText } from '../identity/reason.ts';
import type { Address } from '../../protocol/smtp/address.ts';
import { clientName, reject, verdictOf } from './answer.ts';
import { domainKey, innerAddress } from './domain.ts';
import type { AccessFacts, AccessRecipient } from './facts.ts';
import { Lookup, addressPrefixes, sendmailAddress } from './lookup.ts';
import { isLoopback, networkOf } from './network.ts';
import type { AccessPolicy } from './policy.ts';
import { isWord } from './rule.ts';
import { certIssuer } from './tags/certissuer.ts';
import { certSubject } from './tags/certsubject.ts';
import { connect } from './tags/connect.ts';
import { to } from './tags/to.ts';
import type { TrailStep, Verdict } from './verdict.ts';

export interface RecipientCheck {
  readonly verdict: Verdict;
  /** Who was granted this by certificate or AUTH is not asked the delayed checks. */
  readonly overrides: boolean;
}

export function checkRecipient(
  policy: AccessPolicy,
  facts: AccessFacts,
  recipient: AccessRecipient,
  trail: TrailStep[],
): RecipientCheck {
  const check = new Check(policy, facts, recipient, trail);
  const early = check.empty() ?? check.blocklist();
  if (early !== undefined) return { verdict: early, overrides: false };
  const granted = check.holder() ?? check.trusted() ?? check.certificate() ?? check.authenticated();
  if (granted !== undefined) return { verdict: granted, overrides: true };
  return { verdict: check.domain() ?? check.client() ?? check.denied(), overrides: false };
}

/** One recipient on its way; each method is one test, undefined is "no opinion". */
class Check {
  readonly #policy: AccessPolicy;
  readonly #facts: AccessFacts;
  readonly #typed: string;
  readonly #trail: TrailStep[];
  readonly #look: Lookup;
  readonly #peer: string;
  /** With all reduced that our own domains would only pass on. */
  readonly #local: string;
  readonly #domain: string;

  constructor(policy: AccessPolicy, facts: AccessFacts, recipient: AccessRecipient, trail: TrailStep[]) {
    this.#policy = policy;
    this.#facts = facts;
    this.#typed = recipient.typed;
    this.#trail = trail;
    this.#look = new Lookup(policy.map, trail);
    this.#peer = sendmailAddress(facts.address);
    const reduced = this.#reduce(recipient.address);
    this.#local = reduced.local;
    this.#domain = domainKey(reduced.domain);
  }

  empty(): Verdict | undefined {
    if (this.#local !== '') return undefined;
    this.#look.note('recipient without a user', 'RFC 5321 §4.1.2', 'user address required');
    return reject('user-address-required', this.#typed, this.#trail);
  }

  blocklist(): Verdict | undefined {
    if (!this.#policy.blocklistRecipients) return undefined;
    const look = this.#look;
    const domain = this.#domain;
    let value: string | undefined;
    if (domain !== '') value = look.user(to, this.#local, domain);
    if (value === undefined && (domain === '' || this.#policy.localDomains.has(domain)))
      value = look.user(to, this.#local, '');
    if (value === undefined && domain !== '') value = look.host(to, domain);
    const verdict = verdictOf(value, this.#trail, 'mailbox-disabled', this.#typed);
    return verdict.kind === 'accept' ? undefined : verdict;
  }

  /** Ours: a certificate on record with us relays by that record, without a line in the map. */
  holder(): Verdict | undefined {
    const { principal } = this.#facts;
    if (principal.kind !== 'verified' || principal.holder === undefined) return undefined;
    this.#look.note(`holder ${principal.holder}`, 'ledger', 'RELAY');
    return this.#accept(true);
  }

  /** Ours: a rule about a CA from outside that names the certificate is as good as a record. */
  trusted(): Verdict | undefined {
    const { principal } = this.#facts;
    if (principal.kind !== 'verified' || principal.foreign === undefined) return undefined;
    const { authority, rule, mapDecides, source } = principal.foreign;
    if (rule !== undefined) {
      this.#look.note(`trust ${authority}: ${rule.text}`, rule.source, 'RELAY');
      return this.#accept(true);
    }
    if (mapDecides) this.#look.note(`trust ${authority}`, source, 'the access map decides');
    else this.#look.note(`trust ${authority}`, source, 'no rule names this certificate');
    return undefined;
  }

  certificate(): Verdict | undefined {
    const { principal } = this.#facts;
    if (this.#ruledAlone()) return undefined;
    if (principal.kind !== 'verified') {
      const verify = principal.verify === '' ? 'none' : principal.verify;
      this.#look.note('verify', undefined, `${verify}: ${reasonText[principal.reason]}`);
      return undefined;
    }
    // The default tag of an empty name would stand for every name.
    const { issuer, subject } = principal.certificate;
    const issuerValue = issuer === '' ? undefined : this.#look.exact(certIssuer, issuer);
    if (issuerValue === undefined) return undefined;
    if (isWord(issuerValue, 'RELAY')) return this.#accept(true);
    if (!isWord(issuerValue, 'SUBJECT') || subject === '') return undefined;
    const subjectValue = this.#look.exact(certSubject, subject);
    return subjectValue !== undefined && isWord(subjectValue, 'RELAY') ? this.#accept(true) : undefined;
  }

  authenticated(): Verdict | undefined {
    const { authenticated, principal } = this.#facts;
    if (authenticated === undefined || !this.#policy.trustedMechanisms.has(authenticated.mechanism)) return undefined;
    // EXTERNAL says no more than the certificate does.
    if (authenticated.mechanism === 'EXTERNAL' && (principal.kind !== 'verified' || this.#ruledAlone()))
      return undefined;
    this.#look.note(`AUTH ${authenticated.mechanism} ${authenticated.identity}`, 'trustedMechanisms', 'RELAY');
    return this.#accept(true);
  }

  /** Mail for domains that are ours, or that we relay for, is taken from anyone; on a submission port from nobody unknown (RFC 6409 §4.3). */
  domain(): Verdict | undefined {
    if (this.#facts.role === 'submission') return undefined;
    const domain = this.#domain;
    if (domain === '') {
      this.#look.note('recipient without a domain', undefined, 'OK');
      return this.#accept(false);
    }
    if (this.#isLocal(domain)) return this.#accept(false);
    return this.#isRelayable(domain) ? this.#accept(true) : undefined;
  }

  /** The client by its address, then by its name. */
  client(): Verdict | undefined {
    return this.#clientAddress() ?? this.#clientName();
  }

  denied(): Verdict {
    const { principal, role } = this.#facts;
    const reason =
      principal.kind === 'verified' ? 'this certificate has no right to relay here' : reasonText[principal.reason];
    const ours = role === 'submission' && (this.#domain === '' || this.#policy.localDomains.has(this.#domain));
    return reject(ours ? 'certificate-required' : 'relaying-denied-because', this.#typed, this.#trail, { reason });
  }

  /**
   * A CA that is trusted by rules alone. It writes what it likes into names: lines of the map about certificates are not
   * asked, or it could go by what is said there of another CA.
   */
  #ruledAlone(): boolean {
    const { principal } = this.#facts;
    return principal.kind === 'verified' && principal.foreign !== undefined && !principal.foreign.mapDecides;
  }

  #clientAddress(): Verdict | undefined {
    const { address } = this.#facts;
    const network = networkOf(this.#policy.trustedNetworks, address);
    if (network !== undefined) {
      this.#look.note(`address ${this.#peer} in ${network}`, 'trustedNetworks', 'RELAY');
      return this.#accept(true);
    }
    const prefix = addressPrefixes(this.#peer).find((octets) => this.#policy.relayDomains.has(octets.toLowerCase()));
    if (prefix !== undefined) {
      this.#look.note(`address ${this.#peer} in ${prefix}`, 'relayDomains', 'RELAY');
      return this.#accept(true);
    }
    const value = this.#look.address(connect, this.#peer);
    if (value !== undefined && isWord(value, 'RELAY')) return this.#accept(true);
    return this.#isOwnClient(`[${this.#peer.toLowerCase()}]`) ? this.#accept(true) : undefined;
  }

  #clientName(): Verdict | undefined {
    const { name } = this.#facts;
    if (name.state !== 'ok') {
      this.#look.note('client name', undefined, name.state);
      if (name.state !== 'temporary') return undefined;
      return reject('relaying-denied-temporarily', this.#typed, this.#trail, { peer: this.#peer });
    }
    const client = clientName(this.#facts, this.#peer);
    if (this.#isOwnClient(client)) return this.#accept(true);
    const relayed = domainAndParents(client).find((domain) => this.#policy.relayDomains.has(domain));
    if (relayed !== undefined) {
      this.#look.note(`client name ${client} in ${relayed}`, 'relayDomains', 'RELAY');
      return this.#accept(true);
    }
    const value = this.#look.host(connect, client);
    return value !== undefined && isWord(value, 'RELAY') ? this.#accept(true) : undefined;
  }

  /**
   * A client whose name or address is one of our local domains. Sendmail lets loopback through by this; here loopback
   * has to be named as a network, because anybody with an account on the machine can use it.
   */
  #isOwnClient(client: string): boolean {
    if (!this.#policy.localDomains.has(client) || isLoopback(this.#facts.address)) return false;
    this.#look.note(`client ${client} in class w`, 'localDomains', 'RELAY');
    return true;
  }

  #isLocal(domain: string): boolean {
    const local = this.#policy.localDomains.has(domain);
    this.#look.note(`class w: ${domain}`, local ? 'localDomains' : undefined, local ? 'OK' : undefined);
    return local;
  }

  /** Class R with subdomains, or To: in the map. */
  #isRelayable(domain: string): boolean {
    const relayed = domainAndParents(domain).find((name) => this.#policy.relayDomains.has(name));
    this.#look.note(
      `class R: ${domain}`,
      relayed === undefined ? undefined : 'relayDomains',
      relayed === undefined ? undefined : 'RELAY',
    );
    if (relayed !== undefined) return true;
    const value = this.#look.host(to, domain);
    return value !== undefined && isWord(value, 'RELAY');
  }

  /** `u%other@ours`, `other!u@ours` and `"u@other"@ours` would only be passed on by our domain: what counts is the address inside. */
  #reduce(address: Address): Address {
    let outer = address;
    for (;;) {
      const inner = innerAddress(outer.local);
      if (inner === undefined) return outer;
      const domain = domainKey(outer.domain);
      if (domain !== '' && !this.#policy.localDomains.has(domain) && !this.#isRelayable(domain)) return outer;
      this.#look.note(`address inside ${outer.local}@${outer.domain}`, undefined, `${inner.local}@${inner.domain}`);
      outer = inner;
    }
  }

  #accept(relay: boolean): Verdict {
    return { kind: 'accept', relay, trail: this.#trail };
  }
}

/** `a.b.c`, `b.c`, `c`. */
function domainAndParents(domain: string): string[] {
  const names = [domain];
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) names.push(domain.slice(dot + 1));
  return names;
}
