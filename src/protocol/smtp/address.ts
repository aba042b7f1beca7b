/**
 * A mailbox (RFC 5321 §4.1.2, RFC 6531). `local` is without quotes and escapes; `domain` is as typed, without a
 * trailing dot; an address literal keeps its brackets; '' where no domain was given.
 * Route addresses (`@a,@b:c@d`) are accepted and the route dropped (RFC 5321 §3.6.1, appendix C).
 */
export interface Address {
  readonly local: string;
  readonly domain: string;
}

/** A path as it stood at the start of a text. `address` undefined is the null path `<>`; `rest` is what follows, its blank included. */
export interface ParsedPath {
  readonly address: Address | undefined;
  readonly typed: string;
  readonly rest: string;
}

/** Octets of a domain name (RFC 5321 §4.5.3.1.2) and of one label (RFC 1035 §2.3.4): longer ones cannot be looked up. */
const DOMAIN_LENGTH = 255;
const LABEL_LENGTH = 63;

/** What a character may be, as bits, for U+0021 to U+007E. */
const ATEXT = 1;
const LABEL = 2;

const classes = characterClasses();

/**
 * The path at the start of `text`, which ends the text or is followed by a blank; undefined when there is none.
 * `utf8` admits characters above U+009F (RFC 6531 §3.3). More is taken than RFC 5321 §4.1.2 has, because clients send
 * it: an address without brackets, dots at any place of a local part, `_` in a domain, a dot at its end, no domain.
 */
export function parsePath(text: string, utf8: boolean): ParsedPath | undefined {
  if (!text.startsWith('<')) return bounded(text, parseMailbox(text, 0, utf8), 0);
  if (text.startsWith('<>')) return bounded(text, { address: undefined, end: 2 }, 0);
  const start = afterRoute(text, 1, utf8);
  if (start < 0) return undefined;
  const mailbox = parseMailbox(text, start, utf8);
  if (mailbox === undefined || text[mailbox.end] !== '>') return undefined;
  return bounded(text, mailbox, 1);
}

/** The whole text as an address, without brackets; UTF-8 is admitted. */
export function parseAddress(text: string): Address | undefined {
  const mailbox = parseMailbox(text, 0, true);
  return mailbox !== undefined && mailbox.end === text.length ? mailbox.address : undefined;
}

/** `local@domain`, the local part quoted where RFC 5321 §4.1.2 asks for it; the local part alone when there is no domain. */
export function formatAddress(address: Address): string {
  const local = isDotString(address.local) ? address.local : `"${address.local.replace(/["\\]/g, '\\$&')}"`;
  return address.domain === '' ? local : `${local}@${address.domain}`;
}

interface Mailbox<A> {
  readonly address: A;
  readonly end: number;
}

function bounded(
  text: string,
  mailbox: Mailbox<Address | undefined> | undefined,
  bracket: number,
): ParsedPath | undefined {
  if (mailbox === undefined) return undefined;
  const end = mailbox.end + bracket;
  if (end < text.length && text[end] !== ' ') return undefined;
  return { address: mailbox.address, typed: text.slice(0, end), rest: text.slice(end) };
}

/** Where the mailbox starts behind a source route; `at` when there is no route; -1 when it is malformed. */
function afterRoute(text: string, at: number, utf8: boolean): number {
  if (text[at] !== '@') return at;
  for (;;) {
    const end = domainEnd(text, at + 1, utf8);
    if (end < 0) return -1;
    if (text[end] === ':') return end + 1;
    if (text[end] !== ',' || text[end + 1] !== '@') return -1;
    at = end + 1;
  }
}

function parseMailbox(text: string, at: number, utf8: boolean): Mailbox<Address> | undefined {
  let local: string;
  let end: number;
  if (text[at] === '"') {
    end = quotedEnd(text, at, utf8);
    if (end < 0) return undefined;
    local = text.slice(at + 1, end - 1).replace(/\\(.)/g, '$1');
  } else {
    end = at;
    while (end < text.length && (text[end] === '.' || isClass(text.charCodeAt(end), ATEXT, utf8))) end++;
    local = text.slice(at, end);
    if (local === '') return undefined;
  }
  if (text[end] !== '@') return local === '' ? undefined : { address: { local, domain: '' }, end };
  const domainAt = end + 1;
  end = domainEnd(text, domainAt, utf8);
  if (end < 0) return undefined;
  const domain = text.slice(domainAt, text[end - 1] === '.' ? end - 1 : end);
  return { address: { local, domain }, end };
}

/** The end of the quoted string that starts at `at`, closing quote included; -1 when there is none. */
function quotedEnd(text: string, at: number, utf8: boolean): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i + 1;
    if (code === 0x5c) {
      // quoted-pairSMTP holds visible ASCII and the blank only
      i++;
      const escaped = text.charCodeAt(i);
      if (!(escaped >= 0x20 && escaped <= 0x7e)) return -1;
    } else if (code < 0x20 || code === 0x7f || (code > 0x7f && !(utf8 && code > 0x9f))) return -1;
  }
  return -1;
}

/** The end of the domain or address literal at `at`, a trailing dot included; -1 when it is malformed. */
function domainEnd(text: string, at: number, utf8: boolean): number {
  if (text[at] === '[') {
    const close = text.indexOf(']', at);
    return close > 0 && isAddressLiteral(text.slice(at + 1, close)) ? close + 1 : -1;
  }
  let label = at;
  let end = at;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === 0x2e) {
      if (!isLabel(text, label, end)) return -1;
      label = end + 1;
    } else if (!isClass(code, LABEL, utf8)) break;
  }
  if (end === at || end - at > DOMAIN_LENGTH) return -1;
  return label === end || isLabel(text, label, end) ? end : -1;
}

function isLabel(text: string, from: number, to: number): boolean {
  return to > from && to - from <= LABEL_LENGTH && text[from] !== '-' && text[to - 1] !== '-';
}

/** What may stand between `[` and `]` (RFC 5321 §4.1.3): an IPv4 address, `IPv6:` and an IPv6 address, or `tag:text`. */
export function isAddressLiteral(text: string): boolean {
  if (/^ipv6:/i.test(text)) return isIpv6(text.slice(5));
  return isIpv4(text) || /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+$/.test(text);
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups: string[] = [];
  for (const half of halves) if (half !== '') groups.push(...half.split(':'));
  let count = groups.length;
  const last = groups.at(-1);
  if (last?.includes('.')) {
    if (!isIpv4(last) || text.endsWith('::')) return false;
    groups.pop();
    count++; // an IPv4 tail stands for two groups
  }
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? count < 8 : count === 8;
}

function isDotString(local: string): boolean {
  let afterDot = true;
  for (let i = 0; i < local.length; i++) {
    const code = local.charCodeAt(i);
    if (code === 0x2e) {
      if (afterDot) return false;
      afterDot = true;
    } else if (isClass(code, ATEXT, true)) afterDot = false;
    else return false;
  }
  return !afterDot;
}

function isClass(code: number, which: number, utf8: boolean): boolean {
  return code < 0x80 ? (classes[code]! & which) !== 0 : utf8 && code > 0x9f;
}

function characterClasses(): Uint8Array {
  const table = new Uint8Array(0x80);
  const mark = (characters: string, bits: number): void => {
    for (const character of characters) table[character.charCodeAt(0)]! |= bits;
  };
  mark('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', ATEXT | LABEL);
  mark("!#$%&'*+/=?^`{|}~", ATEXT);
  return table;
}
