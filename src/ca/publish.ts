/**
 * What is shown as it is: CRLs and CA certificates. Public, or signed by itself, so plain HTTP will do; over TLS alone
 * a client might have to check the server's certificate to get what it checks certificates with (RFC 5280 §8).
 */
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { plainAnswer, type Freshness, type WebRoute } from './web.ts';

export interface Document {
  readonly body: Bytes;
  readonly freshness: Freshness;
}

/** A document of this media type at a path; while there is none the answer is 404. */
export function documentRoute(path: string, type: string, read: () => Promise<Document | undefined>): WebRoute {
  return {
    path,
    over: 'both',
    methods: ['GET'],
    maxBody: 0,
    async handle() {
      const document = await read();
      if (document === undefined) return plainAnswer(404, 'not found');
      return { status: 200, headers: { 'content-type': type }, ...document };
    },
  };
}

/** How long a CRL may be kept: an hour, for a revocation made meanwhile is in the next one; not after its nextUpdate. */
export function crlFreshUntil(now: Ms, nextUpdate: Ms): Ms {
  return Math.min(now + 3_600_000, nextUpdate);
}
