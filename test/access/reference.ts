/**
 * Sendmail's decision at RCPT written a second time, from its description alone and as slowly as it reads: how a name is
 * printed, how the access map is read and asked, who may relay. It shares nothing with the program; where both agree on a
 * hundred thousand made-up cases, a mistake would have to have been made twice.
 */

/** An attribute of a name as its certificate has it. */
export interface ReferenceAttribute {
  readonly type: string;
  /** Belongs to the same RDN as the attribute before it. */
  readonly joined: boolean;
  readonly value: Uint8Array;
}

const SHORT: Readonly<Record<string, string>> = {
  '2.5.4.6': 'C',
  '2.5.4.8': 'ST',
  '2.5.4.7': 'L',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.3': 'CN',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
};

const hex = (octet: number): string => octet.toString(16).toUpperCase().padStart(2, '0');

/** ${cert_subject} and ${cert_issuer}. */
export function referenceName(attributes: readonly ReferenceAttribute[]): string {
  let line = '';
  for (const [number, { type, joined, value }] of attributes.entries()) {
    let text = `${joined && number > 0 ? '+' : '/'}${SHORT[type] ?? type}=`;
    for (const octet of value) {
      if (octet === 0x2f || octet === 0x2b) text += `\\${String.fromCodePoint(octet)}`;
      else if (octet < 0x20 || octet > 0x7e) text += `\\x${hex(octet)}`;
      else text += String.fromCodePoint(octet);
    }
    if (line.length + text.length > 255) break;
    line += text;
  }
  let encoded = '';
  for (const letter of line) {
    const octet = letter.codePointAt(0) as number;
    encoded += octet < 0x21 || octet > 0x7e || '+\\()<>"'.includes(letter) ? `+${hex(octet)}` : letter;
  }
  return encoded;
}

/** The map as pairs; look-ups go through all of them. */
export type ReferenceMap = readonly (readonly [key: string, value: string])[];

export function referenceMap(text: string): ReferenceMap {
  const pairs: [string, string][] = [];
  for (const written of text.split('\n')) {
    const line = written.replace(/[ \t\r]+$/, '');
    if (line === '' || line.startsWith('#') || line.startsWith(' ') || line.startsWith('\t')) continue;
    const parts = /^([^ \t]+)[ \t]+(.*)$/.exec(line);
    if (parts === null) continue;
    const key = (parts[1] as string).toLowerCase();
    if (!pairs.some(([other]) => other === key)) pairs.push([key, parts[2] as string]);
  }
  return pairs;
}

export interface ReferencePolicy {
  readonly map: ReferenceMap;
  readonly features: readonly string[];
  readonly hostname: string;
  readonly classW: readonly string[];
  readonly classR: readonly string[];
  readonly trusted: readonly string[];
  readonly blocklist: boolean;
}

export interface ReferenceFacts {
  readonly address: string;
  readonly name: { readonly state: 'ok' | 'forged' | 'none' | 'temporary'; readonly name: string };
  /** OK, or another word. */
  readonly verify: string;
  readonly issuer: string;
  readonly subject: string;
  readonly mechanism: string;
  /** The reverse-path without brackets, plain `user@domain` or ''. */
  readonly sender: string;
}

/** `RELAY`, `OK`, `DISCARD`, `QUARANTINE`, or a reply code and its enhanced code. */
export function referenceRecipient(policy: ReferencePolicy, facts: ReferenceFacts, recipient: string): string {
  return new Reference(policy, facts).recipient(recipient);
}

const TEMPORARY = '450 4.4.0';
const DENIED = '550 5.7.1';

class Reference {
  readonly policy: ReferencePolicy;
  readonly facts: ReferenceFacts;

  constructor(policy: ReferencePolicy, facts: ReferenceFacts) {
    this.policy = policy;
    this.facts = facts;
  }

  has(feature: string): boolean {
    return this.policy.features.includes(feature);
  }

  // Look-ups

  ask(key: string): string | undefined {
    const cut = key.toLowerCase().slice(0, 256);
    return this.policy.map.find(([other]) => other === cut)?.[1];
  }

  is(value: string | undefined, word: string): boolean {
    return value?.toUpperCase() === word;
  }

  /** Tagged, then (`+`) untagged. */
  both(tag: string, key: string, mark: '+' | '!'): string | undefined {
    return this.ask(`${tag}:${key}`) ?? (mark === '+' ? this.ask(key) : undefined);
  }

  hosts(tag: string, name: string, mark: '+' | '!'): string | undefined {
    let value = this.both(tag, name, mark);
    const dot = name.indexOf('.');
    if (value === undefined && this.has('lookupdotdomain') && dot > 0 && !name.startsWith('['))
      value = this.both(tag, name.slice(dot), mark);
    if (value !== undefined) return this.has('skip') && this.is(value, 'SKIP') ? undefined : value;
    if (name.startsWith('[')) {
      const last = name.lastIndexOf('.');
      return last < 0 ? undefined : this.hosts(tag, `${name.slice(0, last)}]`, mark);
    }
    return dot < 0 ? undefined : this.hosts(tag, name.slice(dot + 1), mark);
  }

  addresses(tag: string, address: string): string | undefined {
    const value = this.both(tag, address, '+');
    if (value !== undefined) return this.has('skip') && this.is(value, 'SKIP') ? undefined : value;
    const last = address.lastIndexOf('.');
    return last < 0 ? undefined : this.addresses(tag, address.slice(0, last));
  }

  users(tag: string, local: string, rest: string, mark: '+' | '!'): string | undefined {
    const plus = local.indexOf('+', 1);
    const forms = plus < 0 ? [local] : [local, `${local.slice(0, plus)}+*`, local.slice(0, plus)];
    for (const form of forms) {
      const value = this.both(tag, `${form}@${rest}`, mark);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  // Addresses: `u%h@d`, `h!u@d`, `"…"@d`, `@r:…` of plain words

  /** [local part, domain or '']. */
  focus(text: string): [string, string] {
    let rest = text;
    while (/^@[^:]+:./.test(rest)) rest = rest.slice(rest.indexOf(':') + 1);
    let quoted = '';
    let tail = rest;
    if (rest.startsWith('"')) {
      quoted = rest.slice(0, rest.indexOf('"', 1) + 1);
      tail = rest.slice(quoted.length);
    }
    const at = tail.lastIndexOf('@');
    if (at >= 0) return [quoted + tail.slice(0, at), this.tidy(tail.slice(at + 1))];
    if (quoted !== '') return [rest, ''];
    const bang = rest.indexOf('!');
    if (bang > 0 && bang < rest.length - 1 && !this.has('nouucp_reject') && !this.has('nouucp_nospecial')) {
      const host = rest.slice(0, bang);
      return [rest.slice(bang + 1), this.tidy(host.includes('.') ? host : `${host}.UUCP`)];
    }
    const percent = rest.lastIndexOf('%');
    if (percent > 0 && !this.has('nopercenthack_reject') && !this.has('nopercenthack_nospecial'))
      return [rest.slice(0, percent), this.tidy(rest.slice(percent + 1))];
    return [rest, ''];
  }

  tidy(domain: string): string {
    const bare = domain.toLowerCase().replace(/\.+$/, '');
    if (bare === 'localhost') return this.policy.hostname;
    return bare.startsWith('[') && this.policy.classW.includes(bare) ? this.policy.hostname : bare;
  }

  namesHost(local: string): boolean {
    const percent = !this.has('nopercenthack_reject') && !this.has('nopercenthack_nospecial');
    const bang = !this.has('nouucp_reject') && !this.has('nouucp_nospecial');
    return local.includes('@') || (percent && local.includes('%')) || (bang && local.includes('!'));
  }

  bare(local: string): string {
    return /^"[^"]*"$/.test(local) ? local.slice(1, -1) : local;
  }

  /** Local domains pass nothing on: what is inside counts. */
  own(text: string): [string, string] {
    let [local, domain] = this.focus(text);
    while (domain === '' || this.policy.classW.includes(domain)) {
      local = this.bare(local);
      if (!this.namesHost(local)) break;
      [local, domain] = this.focus(local);
      if (domain === '') break;
    }
    return [local, domain];
  }

  inEntireDomain(name: string): boolean {
    const own = this.policy.hostname.slice(this.policy.hostname.indexOf('.') + 1);
    return this.has('relay_entire_domain') && (name === own || name.endsWith(`.${own}`));
  }

  inClassR(name: string): boolean {
    return this.policy.classR.some(
      (each) => name === each || (!this.has('relay_hosts_only') && name.endsWith(`.${each}`)),
    );
  }

  toRelay(local: string, domain: string, whole: boolean): boolean {
    const full = whole && this.has('relaytofulladdress');
    if (this.has('relay_hosts_only')) {
      const exact = full ? this.ask(`To:${local}@${domain}`) : undefined;
      return this.is(exact ?? this.both('To', domain, '+'), 'RELAY');
    }
    if (!full) return this.is(this.hosts('To', domain, '+'), 'RELAY');
    return this.is(
      this.users('To', local, domain, '+') ?? this.hosts('To', domain, '+') ?? this.users('To', local, '', '+'),
      'RELAY',
    );
  }

  // The order of decision

  recipient(text: string): string {
    if (text === '') return '553 5.0.0';
    let [local, domain] = this.own(text);
    while (!this.has('loose_relay_check') && domain !== '') {
      local = this.bare(local);
      if (!this.namesHost(local)) break;
      if (this.policy.classW.includes(domain)) break;
      if (!this.inEntireDomain(domain) && !this.inClassR(domain) && !this.toRelay(local, domain, false)) break;
      [local, domain] = this.own(local);
    }
    const blocked = this.policy.blocklist ? this.blocked(local, domain) : undefined;
    if (blocked !== undefined) return blocked;
    if (this.has('promiscuous_relay') || this.certificate()) return 'RELAY';
    if (this.facts.mechanism !== '' && this.policy.trusted.includes(this.facts.mechanism)) return 'RELAY';
    const hack =
      (this.has('nopercenthack_reject') && local.includes('%')) || (this.has('nouucp_reject') && local.includes('!'));
    if (!hack) {
      if (domain === '') return 'OK';
      if (this.inEntireDomain(domain) && !this.policy.classW.includes(domain)) return 'RELAY';
      if (this.policy.classW.includes(domain)) return 'OK';
      if (this.inClassR(domain) || this.toRelay(local, domain, true)) return 'RELAY';
    }
    return this.client();
  }

  blocked(local: string, domain: string): string | undefined {
    const mine = domain === '' || this.policy.classW.includes(domain);
    const value =
      (domain === '' ? undefined : this.users('To', local, domain, '+')) ??
      (mine ? this.users('To', local, '', '+') : undefined) ??
      (domain === '' ? undefined : this.hosts('To', domain, '+'));
    if (value === undefined || this.is(value, 'OK') || this.is(value, 'RELAY')) return undefined;
    if (this.has('skip') && this.is(value, 'SKIP')) return undefined;
    if (this.is(value, 'REJECT')) return '550 5.2.1';
    if (this.is(value, 'DISCARD')) return 'DISCARD';
    if (/^quarantine:./i.test(value)) return 'QUARANTINE';
    const error = /^error:(?:(\d\.\d+\.\d+):)?(.*)$/i.exec(value);
    const rest = error === null ? value : (error[2] as string);
    const code = /^(\d{3}) (?:(\d\.\d+\.\d+) )?./.exec(rest);
    if (code === null) return '553 5.3.0';
    return `${code[1]} ${code[2] ?? error?.[1] ?? `${(code[1] as string)[0]}.0.0`}`;
  }

  certificate(): boolean {
    const { verify, issuer, subject } = this.facts;
    if (verify !== 'OK' || issuer === '') return false;
    const first = this.ask(`CERTISSUER:${issuer}`);
    if (this.is(first, 'RELAY')) return true;
    return this.is(first, 'SUBJECT') && subject !== '' && this.is(this.ask(`CERTSUBJECT:${subject}`), 'RELAY');
  }

  client(): string {
    const { address, name } = this.facts;
    const { classR, classW } = this.policy;
    if (address === '127.0.0.1' || address === '::1') return 'RELAY';
    if (classR.some((each) => address === each || address.startsWith(`${each}.`))) return 'RELAY';
    if (this.is(this.addresses('Connect', address), 'RELAY')) return 'RELAY';
    if (classW.includes(`[${address}]`)) return 'RELAY';
    if (this.bySender()) return 'RELAY';
    if (name.state === 'temporary') return TEMPORARY;
    if (name.state !== 'ok') return DENIED;
    if (this.inEntireDomain(name.name) || classW.includes(name.name) || this.inClassR(name.name)) return 'RELAY';
    const value = this.has('relay_hosts_only')
      ? this.both('Connect', name.name, '+')
      : this.hosts('Connect', name.name, '+');
    return this.is(value, 'RELAY') ? 'RELAY' : DENIED;
  }

  bySender(): boolean {
    const [local, domain] = this.own(this.facts.sender);
    if (domain === '') return false;
    if (this.has('relay_local_from') && this.policy.classW.includes(domain)) return true;
    const byDomain = this.has('relay_mail_from_domain');
    if (!this.has('relay_mail_from') && !byDomain) return false;
    let value = this.users('From', local, domain, '!');
    if (value === undefined && byDomain)
      value = this.has('relay_hosts_only') ? this.ask(`From:${domain}`) : this.hosts('From', domain, '!');
    return this.is(value, 'RELAY');
  }
}
