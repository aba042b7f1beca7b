/**
 * Addresses read as Sendmail's rulesets 3 and 0 read them: route, bang and percent forms become `user@domain`, and what
 * one of our own domains would only pass on is taken apart until it is somebody's own.
 */
import type { StatusKey } from '../../base/status.ts';
import type { Address } from '../../protocol/smtp/address.ts';
import { domainKey } from './domain.ts';
import type { AccessPolicy } from './policy.ts';
import { dequoted, joined, tokenize, type Tokens } from './tokens.ts';

export type AddressForm =
  | { readonly kind: 'null' }
  /** `domain` is '' where there is none; it has no dot at its end. */
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'refused'; readonly status: StatusKey; readonly sign: string };

/** What reading an address needs of the policy. */
export type FormRules = Pick<AccessPolicy, 'features' | 'hostname' | 'localDomains'>;

/** An address with its focus found; `domain` undefined: none was there, empty: nothing behind the `@`. */
interface Focused {
  readonly local: Tokens;
  readonly domain: Tokens | undefined;
}

const NULL: AddressForm = { kind: 'null' };

/** A path as typed, angle brackets included or not. */
export function readAddress(rules: FormRules, typed: string): AddressForm {
  const read = tokenize(typed);
  if (read.kind === 'refused') return read;
  const inside = withoutBrackets(read.tokens);
  if (inside === undefined) return NULL;
  return parse(rules, inside);
}

/** The address that a local part is, where its domain would only pass it on. */
export function innerForm(rules: FormRules, local: string): AddressForm {
  const read = tokenize(local);
  return read.kind === 'refused' ? read : parse(rules, withoutGroup(read.tokens));
}

/** A local part as it stands for itself: a string in quotes without them, where that can be. */
export function plainLocal(local: string): string {
  const read = tokenize(local);
  return read.kind === 'tokens' ? joined(dequoted(read.tokens)) : local;
}

/** Whether a local part names another host. */
export function namesHost(rules: FormRules, local: string): boolean {
  const read = tokenize(local);
  return read.kind === 'tokens' && forwards(rules, read.tokens);
}

/** `$m`: the domain that this host is in. */
export function ownDomain(hostname: string): string {
  const dot = hostname.indexOf('.');
  return dot < 0 ? hostname : hostname.slice(dot + 1);
}

function refused(status: StatusKey): AddressForm {
  return { kind: 'refused', status, sign: '' };
}

/** Checks the form, and takes apart what is ours (ruleset Parse0). */
function parse(rules: FormRules, tokens: Tokens): AddressForm {
  let rest = tokens;
  for (;;) {
    if (rest.length === 0) return refused('address-without-user');
    if (isList(rest)) return refused('address-list');
    const { local, domain } = canonical(rules, focus(rules, rest));
    const fault = faultOf(local, domain);
    if (fault !== undefined) return refused(fault);
    const name = domain === undefined ? '' : joined(domain);
    const ours = domain === undefined || rules.localDomains.has(domainKey(name));
    const own = ours ? dequoted(local) : local;
    if (own.length === 0) return refused('address-without-user');
    // Without a domain Sendmail's rule for single words alone looks inside.
    const apart = ours && forwards(rules, own) && (domain !== undefined || local.length === 1);
    const inside = withoutGroup(own);
    // A sign that names nothing, such as ! alone, would be looked into for ever.
    if (!apart || joined(inside) === joined(rest))
      return { kind: 'address', address: { local: joined(own), domain: name } };
    rest = inside;
  }
}

/** `<list:;>`, and an `@` alone. */
function isList(tokens: Tokens): boolean {
  return (tokens.at(-1) === ';' && tokens.at(-2) === ':') || (tokens.length === 1 && tokens[0] === '@');
}

/** What stands in the innermost angle brackets, or all that was typed (RFC 5322 §3.4); undefined: the null path. */
function withoutBrackets(tokens: Tokens): Tokens | undefined {
  const open = tokens.lastIndexOf('<');
  if (open < 0) return withoutGroup(tokens);
  const inside = tokens.slice(open + 1, tokens.indexOf('>', open));
  if (inside.length === 0) return undefined;
  return isList(inside) ? inside : withoutSemicolon(inside);
}

/** `group: user@host` outside of angle brackets. */
function withoutGroup(tokens: Tokens): Tokens {
  const bare = withoutSemicolon(tokens);
  const colon = bare.indexOf(':');
  const isOther =
    bare[0] === '@' || bare[colon + 1] === ':' || bare[colon - 1] === 'IPv6' || (colon === 0 && bare[1] === 'include');
  return colon < 0 || isOther ? bare : bare.slice(colon + 1);
}

function withoutSemicolon(tokens: Tokens): Tokens {
  return tokens.at(-1) === ';' ? tokens.slice(0, -1) : tokens;
}

/** Which part is the domain: the route is dropped, then `@`, `!` and `%` count in this order. */
function focus(rules: FormRules, tokens: Tokens): Focused {
  const rest = withoutRoute(tokens);
  const at = rest.lastIndexOf('@', rest.length - 2);
  if (at > 0) return { local: rest.slice(0, at), domain: rest.slice(at + 1) };
  if (isSpecial(rules, 'bang')) {
    const bang = bangFocus(rest);
    if (bang !== undefined) return bang;
  }
  const signs = isSpecial(rules, 'percent') ? ['@', '%'] : ['@'];
  const last = rest.findLastIndex((token) => signs.includes(token));
  if (last < 0) return { local: rest, domain: undefined };
  const local = rest.slice(0, last).map((token) => (token === '@' ? '%' : token));
  return { local, domain: rest.slice(last + 1) };
}

/** Without `@a,@b:` (RFC 5321 appendix C). */
function withoutRoute(tokens: Tokens): Tokens {
  let rest = tokens;
  for (const sign of [',', ':']) {
    while (rest[0] === '@') {
      const literal = rest[1] === '[' ? rest.indexOf(']') : 0;
      const end = rest.indexOf(sign, Math.max(literal, 2));
      if (end < 0 || end === rest.length - 1) break;
      rest = rest.slice(end + 1);
    }
  }
  return rest;
}

/** `host!user`; a host without a dot is one of UUCP. */
function bangFocus(tokens: Tokens): Focused | undefined {
  const first = tokens.indexOf('!', 1);
  if (first < 1 || first === tokens.length - 1) return undefined;
  const dot = tokens.findIndex((token, at) => at > 0 && token === '.' && tokens[at + 2] === '!');
  if (first === 1 || dot < 0 || dot + 3 === tokens.length)
    return { local: tokens.slice(first + 1), domain: [...tokens.slice(0, first), '.', 'UUCP'] };
  return { local: tokens.slice(dot + 3), domain: tokens.slice(0, dot + 2) };
}

/** Names for this host become its own (ruleset Canonify2); dots at the end are gone. */
function canonical(rules: FormRules, { local, domain }: Focused): Focused {
  if (domain === undefined) return { local, domain };
  const name = joined(domain).toLowerCase();
  const here = ['localhost', `localhost.${ownDomain(rules.hostname)}`];
  if (isSpecial(rules, 'bang')) here.push('localhost.uucp');
  if (here.includes(name) || (domain[0] === '[' && rules.localDomains.has(name)))
    return { local, domain: split(rules.hostname) };
  let end = domain.length;
  if (domain[0] !== '[') while (end > 1 && domain[end - 1] === '.') end -= 1;
  return { local, domain: domain.slice(0, end) };
}

function split(name: string): Tokens {
  const read = tokenize(name);
  return read.kind === 'tokens' ? read.tokens : [name];
}

/** Addresses that are none, in the order of Sendmail's tests. */
function faultOf(local: Tokens, domain: Tokens | undefined): StatusKey | undefined {
  if (domain !== undefined) {
    if (local.length === 0 || (local.length === 1 && local[0] === '@')) return 'address-without-user';
    if (domain.length === 0) return 'address-without-host';
    if (domain[0] === '[') {
      const after = domain[domain.indexOf(']') + 1];
      if (after !== undefined && after !== ':' && after !== ',') return 'address-literal';
    } else if (domain.includes(':')) return 'address-colon';
    if (domain[0] === '.' || domain.some((token, at) => token === '.' && domain[at + 1] === '.')) return 'address-host';
    if (domain.at(-1) === '@') return 'address-route-end';
    if (local.includes('@')) return 'address-route';
  }
  const all = domain === undefined ? local : [...local, '<', ...domain];
  const comma = all.indexOf(',');
  return comma >= 0 && !['@', '%', '!'].includes(all[comma + 1] ?? '') ? 'address-route' : undefined;
}

/** Whether the tokens name another host: Sendmail's class O. */
function forwards(rules: FormRules, tokens: Tokens): boolean {
  return (
    tokens.includes('@') ||
    (isSpecial(rules, 'percent') && tokens.includes('%')) ||
    (isSpecial(rules, 'bang') && tokens.includes('!'))
  );
}

/** Whether this sign means something: FEATURE(nopercenthack) and FEATURE(nouucp) make it a letter. */
function isSpecial({ features }: FormRules, sign: 'percent' | 'bang'): boolean {
  return sign === 'percent'
    ? !features.has('nopercenthack_reject') && !features.has('nopercenthack_nospecial')
    : !features.has('nouucp_reject') && !features.has('nouucp_nospecial');
}
