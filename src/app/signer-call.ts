/** Checks what comes to the signer before anything looks into it: whoever writes there may be taken over. */
import { latin1 } from '../base/bytes.ts';
import type { AuthorityTerms, CrlRequest, IssueRequest } from '../ca/authority.ts';
import type { SignerCall } from './signer-frame.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The longest text, the longest list of names, and the most octets that a request has any use for. */
const LONGEST_TEXT = 4_096;
const LONGEST_LIST = 256;
const MOST_OCTETS = 65_536;

/** The number that the answer to a frame's value has; 0 for one that cannot be answered, after which nothing goes on. */
export function numberOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('number' in value) || !('kind' in value)) return 0;
  const { kind, number } = value;
  return kind !== 'open' && Number.isSafeInteger(number) && (number as number) > 0 ? (number as number) : 0;
}

/** The call that a frame's value is. Throws when it is none. */
export function readCall(value: unknown): SignerCall {
  const call = fields(value, 'call');
  switch (call['kind']) {
    case 'open':
      return { kind: 'open', terms: readTerms(fields(call['terms'], 'terms')) };
    case 'issue':
      return { kind: 'issue', number: integer(call, 'number'), request: readIssue(fields(call['request'], 'request')) };
    case 'crl':
      return { kind: 'crl', number: integer(call, 'number'), request: readCrl(fields(call['request'], 'request')) };
    case 'unlock':
      return { kind: 'unlock', number: integer(call, 'number'), sealed: octets(call, 'sealed') };
    case 'reload':
      return {
        kind: 'reload',
        number: integer(call, 'number'),
        terms: readTerms(fields(call['terms'], 'terms')),
      };
    default:
      throw new Error('unknown kind of call');
  }
}

function readTerms(from: Fields): AuthorityTerms {
  const urls = fields(from['urls'], 'urls');
  const lifetimes = fields(from['lifetimes'], 'lifetimes');
  return {
    urls: { crl: texts(urls, 'crl'), ocsp: texts(urls, 'ocsp'), issuer: texts(urls, 'issuer') },
    // The authority looks up the profiles it knows, and no other.
    lifetimes: Object.fromEntries(Object.keys(lifetimes).map((profile) => [profile, integer(lifetimes, profile)])),
    subject: from['subject'] === undefined ? undefined : text(from, 'subject'),
  };
}

function readIssue(from: Fields): IssueRequest {
  return {
    // The authority looks it up in its own list and refuses any other.
    profile: text(from, 'profile') as IssueRequest['profile'],
    holder: text(from, 'holder'),
    csr: from['csr'] === undefined ? undefined : octets(from, 'csr'),
    publicKey: from['publicKey'] === undefined ? undefined : octets(from, 'publicKey'),
    dnsNames: texts(from, 'dnsNames'),
    uris: texts(from, 'uris'),
    subject: from['subject'] === undefined ? undefined : text(from, 'subject'),
    follows: from['follows'] === undefined ? undefined : octets(from, 'follows'),
    serial: octets(from, 'serial'),
    notBefore: integer(from, 'notBefore'),
    notAfter: from['notAfter'] === undefined ? undefined : integer(from, 'notAfter'),
  };
}

function readCrl(from: Fields): CrlRequest {
  return {
    number: integer(from, 'number'),
    thisUpdate: integer(from, 'thisUpdate'),
    nextUpdate: integer(from, 'nextUpdate'),
    revoked: readEntries(from['revoked']),
  };
}

/** Lines of `SERIAL TIME REASON`, as many as fit a frame; the authority looks at what is in them. */
function readEntries(value: unknown): CrlRequest['revoked'] {
  if (!(value instanceof Uint8Array)) throw new Error('revoked is no octets');
  const text = latin1(value);
  const entries: CrlRequest['revoked'][number][] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const time = text.indexOf(' ', start);
    const reason = text.indexOf(' ', time + 1);
    const at = Number(text.slice(time + 1, reason));
    if (end === -1 || time === -1 || reason === -1 || reason > end || !Number.isSafeInteger(at))
      throw new Error('an entry of the CRL is none');
    entries.push({
      serial: text.slice(start, time),
      at,
      reason: text.slice(reason + 1, end) as CrlRequest['revoked'][number]['reason'],
    });
    start = end + 1;
  }
  return entries;
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  return value as Fields;
}

function text(from: Fields, key: string): string {
  const value = from[key];
  if (typeof value !== 'string') throw new Error(`${key} is no text`);
  if (value.length > LONGEST_TEXT) throw new Error(`${key} has ${value.length} characters, more than ${LONGEST_TEXT}`);
  return value;
}

function texts(from: Fields, key: string): string[] {
  const values = list(from, key);
  if (values.length > LONGEST_LIST) throw new Error(`${key} has ${values.length} entries, more than ${LONGEST_LIST}`);
  return values.map((value) => {
    if (typeof value !== 'string') throw new Error(`${key} has an entry that is no text`);
    if (value.length > LONGEST_TEXT) throw new Error(`${key} has an entry longer than ${LONGEST_TEXT} characters`);
    return value;
  });
}

function list(from: Fields, key: string): readonly unknown[] {
  const value = from[key];
  if (!Array.isArray(value)) throw new Error(`${key} is no list`);
  return value;
}

function integer(from: Fields, key: string): number {
  const value = from[key];
  if (!Number.isSafeInteger(value)) throw new Error(`${key} is no whole number`);
  return value as number;
}

function octets(from: Fields, key: string): Uint8Array {
  const value = from[key];
  if (!(value instanceof Uint8Array)) throw new Error(`${key} is no octets`);
  if (value.length > MOST_OCTETS) throw new Error(`${key} has ${value.length} octets, more than ${MOST_OCTETS}`);
  return value;
}
