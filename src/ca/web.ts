/**
 * HTTP as values: what CRL, OCSP, EST and ACME answer with. Handlers are plain functions; `platform/http` turns sockets
 * into these and keeps the bounds (size, time, connections), so that a handler sees only whole requests that fit.
 */
import { utf8, type Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';

export interface WebRequest {
  /** One of the route's methods; HEAD too where GET is one, and the body of its answer is then not sent. */
  readonly method: string;
  /** As sent: percent-encoding is not undone, and there is no query. */
  readonly path: string;
  /** What follows `?`; '' without. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
  /** Over TLS. */
  readonly secure: boolean;
  readonly address: string;
  /** The client's certificate as TLS saw it. `verified`: issued for clients by our own CA and not ended; whether it was withdrawn only the ledger knows. */
  readonly certificate: { readonly der: Bytes; readonly verified: boolean } | undefined;
}

export interface WebResponse {
  readonly status: number;
  /** Content-Length, Date and what guards a browser are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
  /** For what may be kept: conditional requests are answered by it. Undefined: `cache-control: no-store`. */
  readonly freshness?: Freshness | undefined;
}

/** What caches need to know of an answer (RFC 9110 §8.8, RFC 9111 §5). */
export interface Freshness {
  /** Without quotes; another whenever the body is another. */
  readonly tag: string;
  readonly modifiedAt: Ms;
  /** It may be kept until then without asking again. */
  readonly until: Ms;
}

export interface WebRoute {
  /** `/crl/issuing.crl` for this path alone, `/acme/` for all below it. */
  readonly path: string;
  /** Which listeners have it: without TLS only what is public and signed by itself. */
  readonly over: 'http' | 'https' | 'both';
  /** Others get 405 with an Allow header. */
  readonly methods: readonly ('GET' | 'POST')[];
  /** Octets; larger requests get 413. */
  readonly maxBody: number;
  /** What it throws becomes 500, and is told as trouble. */
  handle(request: WebRequest): Promise<WebResponse> | WebResponse;
}

const NOTHING: Bytes = new Uint8Array(0);

/** An answer of words for people. */
export function plainAnswer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): WebResponse {
  const body = text === '' ? NOTHING : utf8(`${text}\n`);
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

/** The route of a path: an exact one before the longest prefix. */
export function findRoute(routes: readonly WebRoute[], path: string, secure: boolean): WebRoute | undefined {
  const here = routes.filter(({ over }) => over === 'both' || over === (secure ? 'https' : 'http'));
  return (
    here.find((route) => route.path === path) ??
    here
      .filter((route) => route.path.endsWith('/') && path.startsWith(route.path))
      .toSorted((a, b) => b.path.length - a.path.length)[0]
  );
}
