/**
 * Reads `trust/NAME/trust.yaml`: what certificates of a CA from outside may do, and how its revocations are learnt. As
 * for the configuration, every problem says where, what, and what to do.
 */
import { type Document, LineCounter, isMap, isNode, isPair, isScalar, isSeq, parseDocument } from 'yaml';
import { parseTrustRule, type TrustRule } from '../relay/identity/trust-rule.ts';
import type { Problem } from './load.ts';
import { nearest } from './nearest.ts';

export interface TrustFile {
  readonly rules: readonly TrustRule[];
  /** Undefined: revocation is not asked for, unless there is a list beside the file. */
  readonly crl: TrustCrl | undefined;
}

export interface TrustCrl {
  /** Where it is fetched from; undefined: it is put there by others. */
  readonly url: string | undefined;
  readonly expired: 'refuse' | 'accept';
}

export interface ReadTrustFile {
  /** Undefined when there are problems. */
  readonly trust: TrustFile | undefined;
  readonly problems: readonly Problem[];
}

const MAX_RULES = 10_000;

/** Reads `text`; `file` is the name that problems and rules carry. */
export function parseTrustFile(text: string, file: string): ReadTrustFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, version: '1.2' });
  const reader = new Reader(file, counter);
  for (const { pos, message } of document.errors)
    reader.problem(pos[0], `no YAML: ${message}`, 'correct it; texts with # or ": " need quotes');
  const trust = reader.problems.length > 0 ? undefined : reader.file(document);
  return { trust: reader.problems.length > 0 ? undefined : trust, problems: reader.problems };
}

/** The address as it can be fetched; undefined when it is no http or https URL. */
export function crlUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  return url.username === '' && url.password === '' ? url : undefined;
}

class Reader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #counter: LineCounter;

  constructor(file: string, counter: LineCounter) {
    this.#file = file;
    this.#counter = counter;
  }

  problem(offset: number, what: string, todo: string): void {
    const { line, col } = this.#counter.linePos(offset);
    this.problems.push({ file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), what, todo });
  }

  file(document: Document): TrustFile {
    const root = document.contents;
    const keys = this.#keys(root, 'the file', ['relay', 'crl']);
    return { rules: this.#rules(keys.get('relay')), crl: this.#crl(keys.get('crl')) };
  }

  #keys(node: unknown, what: string, known: readonly string[]): Map<string, unknown> {
    const found = new Map<string, unknown>();
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return found;
    if (!isMap(node)) {
      this.problem(offsetOf(node), `${what} is no section of keys`, `known here: ${known.join(', ')}`);
      return found;
    }
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const key = String(pair.key.value);
      if (known.includes(key)) found.set(key, pair.value);
      else {
        const near = nearest(key, known);
        const todo = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
        this.problem(offsetOf(pair.key), `unknown key ${key}`, todo);
      }
    }
    return found;
  }

  #rules(node: unknown): TrustRule[] {
    if (node === undefined || node === null || (isScalar(node) && node.value === null)) return [];
    if (!isSeq(node)) {
      this.problem(offsetOf(node), 'relay is no list', 'write each rule on a line of its own, after "- "');
      return [];
    }
    if (node.items.length > MAX_RULES)
      this.problem(offsetOf(node), `relay has ${node.items.length} rules`, `write at most ${MAX_RULES}`);
    return node.items.slice(0, MAX_RULES).flatMap((item) => {
      const offset = offsetOf(item);
      if (!isScalar(item) || typeof item.value !== 'string') {
        this.problem(
          offset,
          'this rule is no text',
          'write it as "email:alice@example.net", without a blank after the colon',
        );
        return [];
      }
      const reading = parseTrustRule(item.value);
      if (reading.kind === 'bad') {
        this.problem(offset, reading.why, reading.todo);
        return [];
      }
      const { line } = this.#counter.linePos(offset);
      return [{ text: item.value, source: `${this.#file}:${line}`, match: reading.match }];
    });
  }

  #crl(node: unknown): TrustCrl | undefined {
    if (node === undefined) return undefined;
    const keys = this.#keys(node, 'crl', ['url', 'expired']);
    const url = keys.get('url');
    const expired = keys.get('expired');
    const address = isScalar(url) ? url.value : undefined;
    if (url !== undefined && (typeof address !== 'string' || crlUrl(address) === undefined))
      this.problem(offsetOf(url), 'crl.url is no http or https address', 'write http://crl.example.net/ca.crl');
    const word = isScalar(expired) ? expired.value : undefined;
    if (expired !== undefined && word !== 'refuse' && word !== 'accept')
      this.problem(offsetOf(expired), `crl.expired is ${JSON.stringify(word ?? null)}`, 'write refuse or accept');
    return { url: typeof address === 'string' ? address : undefined, expired: word === 'accept' ? 'accept' : 'refuse' };
  }
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** The file as `trust add` writes it. */
export function formatTrustFile(rules: readonly string[], crl: TrustCrl | undefined): string {
  return [
    '# Which certificates of this CA may relay. Read again within a second after it was changed.',
    '#   email:alice@example.net   email:*@example.net      rfc822Name',
    '#   dns:host.example.net      dns:*.example.net        dNSName, * for one label',
    '#   spiffe://example.net/ns/mail/*                     X509-SVID, all below a path',
    '#   uri:https://example.net/a                          uniformResourceIdentifier',
    '#   subject:/C=JP/O=Example/CN=alice                   whole name, or as C=JP, O=Example, CN=alice',
    '#   key:SHA256                                         public key: lasts through renewals with the same key',
    '#   certificate:SHA256                                 this one certificate',
    '#   access                                             the access map decides (CERTISSUER, CERTSUBJECT)',
    ...(rules.length === 0 ? ['relay: []'] : ['relay:', ...rules.map((rule) => `  - ${JSON.stringify(rule)}`)]),
    ...(crl === undefined
      ? []
      : [
          '',
          '# What the CA has revoked is in crl.pem. While that is missing or has run out: refuse or accept.',
          'crl:',
          ...(crl.url === undefined ? [] : [`  url: ${JSON.stringify(crl.url)}`]),
          `  expired: ${crl.expired}`,
        ]),
    '',
  ].join('\n');
}
