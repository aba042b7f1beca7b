import assert from 'node:assert/strict';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import { commonName, encodeName } from '../../src/protocol/pki/name.ts';

/** A certificate of a stranger, DER: read, or undefined; its names can be shown. */
export function target(bytes: Uint8Array): void {
  const certificate = parseCertificate(bytes);
  if (certificate === undefined) return;
  for (const name of [certificate.subject, certificate.issuer]) {
    assert.match(encodeName(name) + commonName(name), /^[\x21-\x7e]*$/);
  }
  for (const text of [...certificate.emails, ...certificate.dnsNames, ...certificate.uris])
    assert.match(text, /^[\x21-\x7e]+$/);
  for (const text of certificate.mailboxes) assert.doesNotMatch(text, /[\p{C}\p{Z}]/u);
}
