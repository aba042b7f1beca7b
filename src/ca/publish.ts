/**
 * What is shown as it is: CRLs and CA certificates. Public, or signed by itself, so plain HTTP will do; over TLS alone
 * a client might have to check the server's certificate to get what it checks certificates with (RFC 5280 §8).
 */
import type { Bytes } from '../base/bytes.ts';
import type { AuthorityUrls } from './authority.ts';
import { plainAnswer, type Freshness, type WebRoute } from './web.ts';

/** Paths below the web listeners; those of certificates are for good, since what was issued names them. */
export const publishedPaths = {
  root: '/ca/root',
  issuing: '/ca/issuing',
  crl: '/crl/issuing',
  plainCrl: '/crl/issuing-plain',
  rootCrl: '/crl/root',
  ocsp: '/ocsp',
} as const;

/** What certificates say of where to ask about them, when we are reached at `url`; nothing without. */
export function authorityUrls(url: string | undefined): AuthorityUrls {
  if (url === undefined) return { crl: [], ocsp: [], issuer: [] };
  return {
    crl: [`${url}${publishedPaths.crl}.crl`],
    ocsp: [`${url}${publishedPaths.ocsp}`],
    issuer: [`${url}${publishedPaths.issuing}.crt`],
  };
}

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
