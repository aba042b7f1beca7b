/** SPIFFE ids, and the X509-SVIDs that carry them (the standards "SPIFFE-ID" §2 and "X509-SVID" §2 to §4 of spiffe.io). */
import type { Certificate } from '../../protocol/pki/certificate.ts';

const MAX_ID = 2048;
const MAX_TRUST_DOMAIN = 255;

/** Whether the text is a SPIFFE id: a trust domain in lower case, and path segments that none is empty or dots. */
export function isSpiffeId(text: string): boolean {
  const parts = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/.exec(text);
  if (parts === null || text.length > MAX_ID) return false;
  const [, domain = '', path = ''] = parts;
  return domain.length <= MAX_TRUST_DOMAIN && path.split('/').every((segment) => segment !== '.' && segment !== '..');
}

const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;

/**
 * The id of a workload's certificate; undefined when it is no X509-SVID of a workload: exactly one URI, which is an id
 * with a path, no CA, and a key that signs nothing but handshakes.
 */
export function spiffeId(certificate: Certificate): string | undefined {
  const { uris, uriCount, isCa, keyUsage = 0 } = certificate;
  const [id] = uris;
  if (uriCount !== 1 || id === undefined || !isSpiffeId(id) || id.indexOf('/', 'spiffe://'.length) < 0)
    return undefined;
  if (isCa || !(keyUsage & DIGITAL_SIGNATURE) || keyUsage & (KEY_CERT_SIGN | CRL_SIGN)) return undefined;
  return id;
}
