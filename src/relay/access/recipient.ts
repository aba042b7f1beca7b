/**
 * Who may relay: the tests of a recipient in Sendmail's order (check_rcpt), and two of our own: for holders of
 * a certificate that our CA issued, and for certificates that a rule about a CA from outside names. The first test that has an opinion decides.
 */
import { reasonText } from '../identity/reason.ts';
import type { Address } from '../../protocol/smtp/address.ts';
import { innerForm, namesHost, ownDomain, plainLocal, readAddress } from './address-form.ts';
import { clientName, reject, verdictOf } from './answer.ts';
import { partOf } from './certificate-part.ts';
import { endingIn } from './class.ts';
import { domainKey, innerAddress } from './domain.ts';
import type { AccessFacts, AccessRecipient, AccessSender } from './facts.ts';
import { Lookup, addressPrefixes, sendmailAddress } from './lookup.ts';
import { isLocalhost, isLoopback, networkOf } from './network.ts';
import type { AccessPolicy } from './policy.ts';
import { isWord } from './rule.ts';
import { canonicalSender } from './sender.ts';
import { certCn } from './tags/certcn.ts';
import { certIssuer } from './tags/certissuer.ts';
import { certSubject } from './tags/certsubject.ts';
import { connect } from './tags/connect.ts';
import { from } from './tags/from.ts';
import { to } from './tags/to.ts';
import type { Rejection, TrailStep, Verdict } from './verdict.ts';

export interface RecipientCheck {
  readonly verdict: Verdict;
  /** Who was granted this by certificate or AUTH is not asked the delayed checks. */
  readonly overrides: boolean;
}

export function checkRecipient(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  recipient: AccessRecipient,
  trail: TrailStep[],
): RecipientCheck {
  const check = new Check(policy, facts, sender, recipient, trail);
  const malformed = check.malformed();
  if (malformed !== undefined) return { verdict: malformed, overrides: false };
  const recipe = check.recipe();
  if (recipe !== undefined) return { verdict: recipe, overrides: true };
  const early = check.empty() ?? check.blocklist() ?? check.everybody();
  if (early !== undefined) return { verdict: early, overrides: false };
  const granted = check.holder() ?? check.trusted() ?? check.certificate() ?? check.authenticated();
  if (granted !== undefined) return { verdict: granted, overrides: true };
  return { verdict: check.mapMissing() ?? check.domain() ?? check.client() ?? check.denied(), overrides: false };
}

/** One recipient on its way; each method is one test, undefined is "no opinion". */
class Check {
  readonly #policy: AccessPolicy;
  readonly #facts: AccessFacts;
  readonly #sender: AccessSender;
  readonly #recipient: AccessRecipient;
  readonly #typed: string;
  readonly #trail: TrailStep[];
  readonly #look: Lookup;
  readonly #peer: string;
  /** Sendmail's standing rules hold. */
  readonly #asSendmail: boolean;
  readonly #malformed: Verdict | undefined;
  /** With all reduced that our own domains would only pass on. */
  readonly #local: string;
  readonly #domain: string;

  constructor(
    policy: AccessPolicy,
    facts: AccessFacts,
    sender: AccessSender,
    recipient: AccessRecipient,
    trail: TrailStep[],
  ) {
    this.#policy = policy;
    this.#facts = facts;
    this.#sender = sender;
    this.#recipient = recipient;
    this.#typed = recipient.typed;
    this.#trail = trail;
    this.#look = new Lookup(policy.map, trail, policy);
    this.#peer = sendmailAddress(facts.address);
    this.#asSendmail = policy.features.has('sendmail');
    const reduced = this.#asSendmail ? this.#reduceAsSendmail() : this.#reduce(recipient.address);
    this.#malformed = 'kind' in reduced ? reduced : undefined;
    this.#local = 'kind' in reduced ? '' : reduced.local;
    this.#domain = 'kind' in reduced ? '' : domainKey(reduced.domain);
  }

  malformed(): Verdict | undefined {
    return this.#malformed;
  }

  /** Recipes of cf/README that sites have put before all other tests (Local_check_rcpt). */
  recipe(): Verdict | undefined {
    const { features } = this.#policy;
    const { principal } = this.#facts;
    if (principal.kind !== 'verified') return undefined;
    if (features.has('verify_ok_relays')) {
      this.#look.note('verify', 'verify_ok_relays', 'OK');
      return this.#accept(true);
    }
    if (!features.has('cert_cn_relays')) return undefined;
    const value = this.#look.exact(certCn, principal.certificate.commonName);
    return value !== undefined && isWord(value, 'RELAY') ? this.#accept(true) : undefined;
  }

  empty(): Verdict | undefined {
    if (this.#local !== '') return undefined;
    this.#look.note('recipient without a user', 'RFC 5321 §4.1.2', 'user address required');
    return reject('user-address-required', this.#typed, this.#trail);
  }

  blocklist(): Verdict | undefined {
    if (!this.#policy.blocklistRecipients) return undefined;
    if (this.#policy.mapMissing) return this.mapMissing();
    const look = this.#look;
    const domain = this.#domain;
    let value: string | undefined;
    if (domain !== '') value = look.user(to, this.#local, domain);
    if (value === undefined && (domain === '' || this.#policy.localDomains.has(domain)))
      value = look.user(to, this.#local, '');
    if (value === undefined && domain !== '') value = look.host(to, domain);
    if (value !== undefined && this.#policy.features.has('skip') && isWord(value, 'SKIP')) return undefined;
    const verdict = verdictOf(this.#policy, value, this.#trail, { status: 'mailbox-disabled', typed: this.#typed });
    return verdict.kind === 'accept' ? undefined : verdict;
  }

  /** An open relay, where somebody asked for one. */
  everybody(): Verdict | undefined {
    if (!this.#policy.features.has('promiscuous_relay')) return undefined;
    this.#look.note('everybody', 'promiscuous_relay', 'RELAY');
    return this.#accept(true);
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
    const parts = this.#policy.certificateParts;
    const issuerKey = partOf(issuer, parts?.issuer);
    const issuerValue = issuerKey === '' ? undefined : this.#look.exact(certIssuer, issuerKey);
    if (issuerValue === undefined) return undefined;
    if (isWord(issuerValue, 'RELAY')) return this.#accept(true);
    const subjectKey = partOf(subject, parts?.subject);
    if (!isWord(issuerValue, 'SUBJECT') || subjectKey === '') return undefined;
    const subjectValue = this.#look.exact(certSubject, subjectKey);
    return subjectValue !== undefined && isWord(subjectValue, 'RELAY') ? this.#accept(true) : undefined;
  }

  authenticated(): Verdict | undefined {
    const { authenticated, principal } = this.#facts;
    if (principal.kind === 'verified' && this.#policy.features.has('verify_ok_authenticates')) {
      this.#look.note('verify', 'verify_ok_authenticates', 'OK');
      return this.#accept(true);
    }
    if (authenticated === undefined || !this.#policy.trustedMechanisms.has(authenticated.mechanism)) return undefined;
    // EXTERNAL says no more than the certificate does.
    if (authenticated.mechanism === 'EXTERNAL' && (principal.kind !== 'verified' || this.#ruledAlone()))
      return undefined;
    this.#look.note(`AUTH ${authenticated.mechanism} ${authenticated.identity}`, 'trustedMechanisms', 'RELAY');
    return this.#accept(true);
  }

  mapMissing(): Verdict | undefined {
    if (!this.#policy.mapMissing) return undefined;
    this.#look.note('access map', 'missingMap', 'cannot be read');
    return reject('map-missing', this.#typed, this.#trail);
  }

  /** Mail for domains that are ours, or that we relay for, is taken from anyone; on a submission port from nobody unknown (RFC 6409 §4.3). */
  domain(): Verdict | undefined {
    if (this.#facts.role === 'submission') return undefined;
    if (this.#isHack()) return undefined;
    const domain = this.#domain;
    if (domain === '') {
      this.#look.note('recipient without a domain', undefined, 'OK');
      return this.#accept(false);
    }
    const local = this.#policy.localDomains.has(domain);
    if (!local && this.#isEntireDomain(domain)) return this.#accept(true);
    this.#look.note(`class w: ${domain}`, local ? 'localDomains' : undefined, local ? 'OK' : undefined);
    if (local) return this.#accept(false);
    if (this.#isRelayDomain(domain)) return this.#accept(true);
    const value = this.#relayValue(domain);
    return (value !== undefined && isWord(value, 'RELAY')) || this.#isServed(domain) ? this.#accept(true) : undefined;
  }

  /** The client by its address, by what it says of the sender where that counts, then by its name. */
  client(): Verdict | undefined {
    return this.#clientAddress() ?? this.#clientSender() ?? this.#clientName();
  }

  denied(): Verdict {
    if (this.#asSendmail) return this.#deniedAsSendmail();
    const { principal, role } = this.#facts;
    const reason =
      principal.kind === 'verified' ? 'this certificate has no right to relay here' : reasonText[principal.reason];
    const ours = role === 'submission' && (this.#domain === '' || this.#policy.localDomains.has(this.#domain));
    return reject(ours ? 'certificate-required' : 'relaying-denied-because', this.#typed, this.#trail, { reason });
  }

  #deniedAsSendmail(): Verdict {
    if (!this.#isHack() && this.#recipient.served?.get(this.#domain) === 'temporary')
      return reject('served-unanswered', this.#typed, this.#trail, { domain: this.#domain });
    const status = this.#policy.trustedMechanisms.size > 0 ? 'relaying-denied-authenticate' : 'relaying-denied';
    return reject(status, this.#typed, this.#trail);
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
    if (this.#asSendmail && isLocalhost(address)) {
      this.#look.note(`address ${this.#peer}`, 'sendmail', 'RELAY');
      return this.#accept(true);
    }
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

  /** FEATURE(relay_local_from) and FEATURE(relay_mail_from). */
  #clientSender(): Verdict | undefined {
    const { features, localDomains } = this.#policy;
    const byMap = features.has('relay_mail_from') || features.has('relay_mail_from_domain');
    if (!byMap && !features.has('relay_local_from')) return undefined;
    const address = canonicalSender(this.#policy, this.#sender);
    const domain = address === undefined ? '' : domainKey(address.domain);
    if (address === undefined || domain === '') return undefined;
    if (features.has('relay_local_from') && localDomains.has(domain)) {
      this.#look.note(`reverse-path in ${domain}`, 'relay_local_from', 'RELAY');
      return this.#accept(true);
    }
    if (!byMap) return undefined;
    const tagged = { ...from, untagged: false };
    let value = this.#look.user(tagged, address.local, domain);
    if (value === undefined && features.has('relay_mail_from_domain'))
      value = features.has('relay_hosts_only') ? this.#look.exact(from, domain) : this.#look.host(tagged, domain);
    return value !== undefined && isWord(value, 'RELAY') ? this.#accept(true) : undefined;
  }

  #clientName(): Verdict | undefined {
    const { name } = this.#facts;
    if (name.state !== 'ok') {
      this.#look.note('client name', undefined, name.state);
      const peer = this.#peer;
      if (name.state === 'temporary') return reject('relaying-denied-temporarily', this.#typed, this.#trail, { peer });
      if (!this.#asSendmail) return undefined;
      const status = name.state === 'forged' ? 'relaying-denied-forged' : 'relaying-denied-no-name';
      return reject(status, this.#typed, this.#trail, { peer });
    }
    const client = clientName(this.#facts, this.#peer);
    if (this.#isEntireDomain(client) || this.#isOwnClient(client)) return this.#accept(true);
    const relayed = this.#relayDomainOf(client);
    if (relayed !== undefined) {
      this.#look.note(`client name ${client} in ${relayed}`, 'relayDomains', 'RELAY');
      return this.#accept(true);
    }
    const value = this.#policy.features.has('relay_hosts_only')
      ? this.#look.only(connect, client)
      : this.#look.host(connect, client);
    return value !== undefined && isWord(value, 'RELAY') ? this.#accept(true) : undefined;
  }

  /**
   * A client whose name or address is one of our local domains. Sendmail lets loopback through by this; here loopback
   * has to be named as a network, because anybody with an account on the machine can use it.
   */
  #isOwnClient(client: string): boolean {
    if (!this.#policy.localDomains.has(client)) return false;
    if (!this.#asSendmail && isLoopback(this.#facts.address)) return false;
    this.#look.note(`client ${client} in class w`, 'localDomains', 'RELAY');
    return true;
  }

  /** FEATURE(relay_entire_domain): names in the domain that this host is in. */
  #isEntireDomain(name: string): boolean {
    if (!this.#policy.features.has('relay_entire_domain')) return false;
    const own = ownDomain(this.#policy.hostname);
    if (name !== own && !name.endsWith(`.${own}`)) return false;
    this.#look.note(`class m: ${name}`, 'relay_entire_domain', 'RELAY');
    return true;
  }

  #relayDomainOf(name: string): string | undefined {
    const { features, relayDomains } = this.#policy;
    if (features.has('relay_hosts_only')) return relayDomains.has(name) ? name : undefined;
    return endingIn(relayDomains, name);
  }

  /** Class R, with subdomains. */
  #isRelayDomain(domain: string): boolean {
    const relayed = this.#relayDomainOf(domain);
    this.#look.note(
      `class R: ${domain}`,
      relayed === undefined ? undefined : 'relayDomains',
      relayed === undefined ? undefined : 'RELAY',
    );
    return relayed !== undefined;
  }

  /** What To: says of a recipient. */
  #relayValue(domain: string): string | undefined {
    const { features } = this.#policy;
    const full = features.has('relaytofulladdress');
    if (features.has('relay_hosts_only')) {
      const exact = full ? this.#look.exact(to, `${this.#local}@${domain}`) : undefined;
      return exact ?? this.#look.only(to, domain);
    }
    if (!full) return this.#look.host(to, domain);
    return (
      this.#look.user(to, this.#local, domain) ?? this.#look.host(to, domain) ?? this.#look.user(to, this.#local, '')
    );
  }

  /** FEATURE(relay_based_on_MX): this host is an MX of the domain. */
  #isServed(domain: string): boolean {
    if (!this.#policy.features.has('relay_based_on_MX')) return false;
    const served = this.#recipient.served?.get(domain);
    this.#look.note(`MX of ${domain}`, served === 'yes' ? 'relay_based_on_MX' : undefined, served);
    return served === 'yes';
  }

  /** Whether mail for the domain would be passed on, so that what its local part says counts. */
  #passesOn(domain: string): boolean {
    if (this.#isEntireDomain(domain)) return true;
    if (this.#isRelayDomain(domain)) return true;
    const value = this.#policy.features.has('relay_hosts_only')
      ? this.#look.only(to, domain)
      : this.#look.host(to, domain);
    return (value !== undefined && isWord(value, 'RELAY')) || this.#isServed(domain);
  }

  /** FEATURE(nopercenthack, reject) and FEATURE(nouucp, reject): nobody's mail, whatever the domain. */
  #isHack(): boolean {
    const { features } = this.#policy;
    return (
      (features.has('nopercenthack_reject') && this.#local.includes('%')) ||
      (features.has('nouucp_reject') && this.#local.includes('!'))
    );
  }

  /** `u%other@ours`, `other!u@ours` and `"u@other"@ours` would only be passed on by our domain: what counts is the address inside. */
  #reduce(address: Address): Address {
    let outer = address;
    for (;;) {
      const inner = innerAddress(outer.local);
      if (inner === undefined) return outer;
      const domain = domainKey(outer.domain);
      if (domain !== '' && !this.#policy.localDomains.has(domain) && !this.#passesOn(domain)) return outer;
      this.#look.note(`address inside ${outer.local}@${outer.domain}`, undefined, `${inner.local}@${inner.domain}`);
      outer = inner;
    }
  }

  /** The same by Sendmail's reading of addresses (ParseRecipient). */
  #reduceAsSendmail(): Address | Rejection {
    const rules = this.#policy;
    let form = readAddress(rules, this.#typed);
    for (;;) {
      if (form.kind === 'null') return { local: '', domain: '' };
      if (form.kind === 'refused') {
        this.#look.note(`address ${this.#typed}`, 'sendmail', 'cannot be read');
        return reject(form.status, this.#typed, this.#trail, { sign: form.sign });
      }
      if (rules.features.has('loose_relay_check') || form.address.domain === '') return form.address;
      const { domain } = form.address;
      const address = { local: plainLocal(form.address.local), domain };
      if (!namesHost(rules, address.local) || rules.localDomains.has(domainKey(domain))) return address;
      if (!this.#passesOn(domainKey(domain))) return address;
      this.#look.note(`address inside ${address.local}@${domain}`, undefined, address.local);
      form = innerForm(rules, address.local);
    }
  }

  #accept(relay: boolean): Verdict {
    return { kind: 'accept', relay, trail: this.#trail };
  }
}
