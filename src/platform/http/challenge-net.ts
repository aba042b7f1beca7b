/**
 * The client side of challenges. Every address is judged after it was looked up and the connection goes to that very
 * address, so no second answer of a name server leads elsewhere. What comes back is short: one line, within seconds.
 */
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ChallengeNet, Fetched, TextAnswer } from '../../ca/acme/challenge-net.ts';
import { isDnsName } from '../../protocol/acme/resources.ts';
import type { AddressAnswer } from '../../relay/delivery/resolver.ts';

export interface ChallengeNetParts {
  addresses(name: string): Promise<AddressAnswer>;
  texts(name: string): Promise<TextAnswer>;
  mayFetchFrom(address: string): boolean;
  /** RFC 8555 §8.3 says 80; redirects may go there and to 443. */
  httpPort(): number;
  /** For the whole of one look, ms. */
  readonly patience?: number;
}

const PATIENCE = 10_000;
/** Hosts send http to https, and that perhaps to another name; more is a loop. */
const REDIRECTS = 5;
/** Addresses of one name that are tried. */
const ADDRESSES = 4;
/** A key authorization has 80 octets or so. */
const LONGEST = 1_024;

export function challengeNet(parts: ChallengeNetParts): ChallengeNet {
  return {
    texts: (name) => parts.texts(name),
    async fetch(name, path, signal) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(parts.patience ?? PATIENCE)]);
      const port = parts.httpPort();
      const host = port === 80 ? name : `${name}:${port}`;
      let url = new URL(`http://${host}${path}`);
      for (let hop = 0; hop <= REDIRECTS; hop++) {
        const answer = await fetchOne(parts, url, bounded);
        if (answer.kind !== 'redirect') return answer;
        const next = target(parts, url, answer.location);
        if (typeof next === 'string') return refused(next);
        url = next;
      }
      return refused(`http://${host}${path}: more than ${REDIRECTS} redirects`);
    },
  };
}

type Answer = Fetched | { readonly kind: 'redirect'; readonly location: string };

const refused = (why: string): Fetched => ({ kind: 'failed', fault: 'refused', why });

/** Where a redirect leads, or why it is not followed. */
function target(parts: ChallengeNetParts, from: URL, location: string): URL | string {
  const httpPort = parts.httpPort();
  const to = URL.parse(location.slice(0, 2_048), from);
  if (to === null) return `${from.href} redirects to something that is no URL`;
  const port = to.port === '' ? (to.protocol === 'https:' ? 443 : 80) : Number(to.port);
  const fits = to.protocol === 'http:' ? port === httpPort : to.protocol === 'https:' && port === 443;
  if (!fits || to.username !== '' || to.password !== '')
    return `${from.href} redirects to ${to.href.slice(0, 300)}; only ports ${httpPort} (http) and 443 (https) are followed`;
  if (!isDnsName(to.hostname)) return `${from.href} redirects to ${to.hostname}, which is no DNS name`;
  return to;
}

async function fetchOne(parts: ChallengeNetParts, url: URL, signal: AbortSignal): Promise<Answer> {
  const found = await parts.addresses(url.hostname);
  if (found.kind === 'temporary') return { kind: 'failed', fault: 'dns', why: `${url.hostname}: ${found.detail}` };
  if (found.kind === 'none') return { kind: 'failed', fault: 'dns', why: `${url.hostname} has no address` };
  const allowed = found.addresses.filter((address) => parts.mayFetchFrom(address));
  if (allowed.length === 0)
    return refused(
      `${url.hostname} has the address ${found.addresses.slice(0, ADDRESSES).join(', ')}, from which nothing is fetched; "acme.networks" says from where`,
    );
  let why = '';
  for (const address of allowed.slice(0, ADDRESSES)) {
    try {
      return await ask(url, address, signal);
    } catch (error) {
      why = `${url.href} (${address}): ${signal.aborted ? 'no whole answer in time' : (error as Error).message}`;
      if (signal.aborted) break;
    }
  }
  return { kind: 'failed', fault: 'connection', why };
}

/** One GET, of this address. Rejects when there is no answer. */
function ask(url: URL, address: string, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const secure = url.protocol === 'https:';
  const options: RequestOptions & { servername?: string; rejectUnauthorized?: boolean } = {
    host: address,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, 'user-agent': 'Sealpost ACME', accept: '*/*', connection: 'close' },
    agent: false,
    signal,
    maxHeaderSize: 16_384,
    // A host that is only about to get its certificate has none yet; http proves no less (RFC 8555 §10.2).
    ...(secure ? { servername: url.hostname, rejectUnauthorized: false } : {}),
  };
  const request = (secure ? requestHttps : requestHttp)(options, (response) => {
    const { statusCode: status = 0, headers } = response;
    response.on('error', reject);
    if ([301, 302, 303, 307, 308].includes(status) && headers.location !== undefined) {
      response.destroy();
      return resolve({ kind: 'redirect', location: headers.location });
    }
    firstLine(response, (text) => resolve({ kind: 'answer', status, text, from: address }));
  });
  request.on('error', reject);
  request.end();
  return promise;
}

/** The first line of the body, cut where it is too long; the rest is not waited for. */
function firstLine(response: IncomingMessage, done: (text: string) => void): void {
  let text = '';
  response.setEncoding('latin1');
  response.on('data', (more: string) => {
    text += more;
    if (text.length > LONGEST || text.includes('\n')) finish();
  });
  response.on('end', finish);
  function finish(): void {
    response.destroy();
    done((text.split('\n', 1)[0] ?? '').slice(0, LONGEST));
  }
}
