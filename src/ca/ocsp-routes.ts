/** OCSP over HTTP (RFC 6960 appendix A, RFC 5019 §5 and §6): POST, and GET with the request in the path. */
import type { Bytes } from '../base/bytes.ts';
import { MAX_OCSP_REQUEST } from '../protocol/pki/ocsp.ts';
import { publishedPaths } from './publish.ts';
import type { OcspAnswer, Responder } from './responder.ts';
import { plainAnswer, type WebRequest, type WebResponse, type WebRoute } from './web.ts';

const RESPONSE = { 'content-type': 'application/ocsp-response' };
const NOTHING: Bytes = new Uint8Array(0);

/** `responder` is asked for each request: it is another after its certificate was renewed. */
export function ocspRoutes(responder: () => Responder | undefined): readonly WebRoute[] {
  const answer = (request: WebRequest): WebResponse => {
    const now = responder();
    if (now === undefined) return plainAnswer(503, 'no responder yet', { 'retry-after': '60' });
    if (request.method === 'POST') {
      const [type] = (request.headers['content-type'] ?? '').split(';', 1);
      if (type?.trim().toLowerCase() !== 'application/ocsp-request')
        return plainAnswer(415, 'application/ocsp-request is expected', { accept: 'application/ocsp-request' });
      return { status: 200, headers: RESPONSE, body: now.answer(request.body).der };
    }
    return cacheable(now.answer(readPath(request.path)));
  };
  return [
    { path: publishedPaths.ocsp, over: 'both', methods: ['POST'], maxBody: MAX_OCSP_REQUEST, handle: answer },
    {
      path: `${publishedPaths.ocsp}/`,
      over: 'both',
      methods: ['GET', 'POST'],
      maxBody: MAX_OCSP_REQUEST,
      handle: answer,
    },
  ];
}

/** RFC 5019 §6.2: an answer by GET may be kept by those on the way, until there is a newer one. */
function cacheable({ der, kept }: OcspAnswer): WebResponse {
  const freshness = kept && { tag: kept.tag, modifiedAt: kept.since, until: kept.until };
  return { status: 200, headers: RESPONSE, body: der, freshness };
}

/**
 * The octets in the path: base64, percent-encoded; `/` and `+` that were not encoded, and missing padding, are taken as
 * they were meant. What is none gives no octets, which is no request.
 */
function readPath(path: string): Bytes {
  let text = path.slice(publishedPaths.ocsp.length + 1);
  if (text.includes('%')) {
    try {
      text = decodeURIComponent(text);
    } catch {
      return NOTHING; // no percent-encoding: told as a malformed request
    }
  }
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : NOTHING;
}
