/** Names of certificates in renewal information (RFC 9773 §4.1): key identifier of the issuer, and serial number. */
import { hex } from '../../base/bytes.ts';
import { serialText, type Certificate } from '../pki/certificate.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

export interface RenewalId {
  readonly authorityKeyId: Uint8Array;
  /** As the ledger has it: lower-case hexadecimal. */
  readonly serial: string;
}

/** Undefined when the text is none. */
export function parseRenewalId(text: string): RenewalId | undefined {
  const [key = '', serial = '', ...more] = text.split('.');
  const [authorityKeyId, octets] = [decodeBase64url(key), decodeBase64url(serial)];
  if (more.length > 0 || authorityKeyId === undefined || octets === undefined) return undefined;
  // A serial number has 1 to 20 octets (RFC 5280 §4.1.2.2), and one more for the sign.
  if (authorityKeyId.length === 0 || octets.length === 0 || octets.length > 21) return undefined;
  return { authorityKeyId, serial: serialText(octets) };
}

/** Whether the name is this certificate's. */
export function namesCertificate(id: RenewalId, certificate: Certificate): boolean {
  return (
    certificate.authorityKeyId !== undefined &&
    hex(certificate.authorityKeyId) === hex(id.authorityKeyId) &&
    certificate.serial === id.serial
  );
}

/** The name of a certificate; undefined for one that does not say who issued it. */
export function renewalId(certificate: Certificate): string | undefined {
  if (certificate.authorityKeyId === undefined) return undefined;
  const octets = Buffer.from(certificate.serial, 'hex');
  // DER writes a positive number with a zero octet before a set top bit.
  const written = (octets[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets;
  return `${encodeBase64url(certificate.authorityKeyId)}.${encodeBase64url(written)}`;
}
