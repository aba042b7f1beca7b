/** Conditional requests and what caches are told (RFC 9110 §13, RFC 9111 §5). */
import type { IncomingMessage } from 'node:http';
import type { WebResponse } from '../../ca/web.ts';

const NOTHING = new Uint8Array(0);
/** A longer list of tags is no work that we do. */
const MAX_TAGS = 2_000;

/** The answer with its caching headers, or 304 when the client has it already. */
export function fresh({ headers, method }: IncomingMessage, answer: WebResponse): WebResponse {
  const { freshness, status } = answer;
  if (freshness === undefined) return { ...answer, headers: { 'cache-control': 'no-store', ...answer.headers } };
  const { tag, modifiedAt, until } = freshness;
  const age = Math.max(0, Math.floor((until - Date.now()) / 1000));
  const caching = {
    etag: `"${tag}"`,
    'last-modified': new Date(modifiedAt).toUTCString(),
    expires: new Date(until).toUTCString(),
    'cache-control': `public, max-age=${age}, no-transform, must-revalidate`,
  };
  const known = status === 200 && method !== 'POST' && isKnown(headers, tag, modifiedAt);
  if (known) return { status: 304, headers: caching, body: NOTHING };
  return { ...answer, headers: { ...answer.headers, ...caching } };
}

/** RFC 9110 §13.2.2: If-Modified-Since counts only without If-None-Match. */
function isKnown(headers: IncomingMessage['headers'], tag: string, modifiedAt: number): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) {
    // Weak comparison (§8.8.3.2).
    const known = tags
      .slice(0, MAX_TAGS)
      .split(',')
      .map((one) => one.trim().replace(/^W\//, ''));
    return known.includes('*') || known.includes(`"${tag}"`);
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return !Number.isNaN(since) && Math.floor(modifiedAt / 1000) * 1000 <= since;
}
