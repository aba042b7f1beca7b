import assert from 'node:assert/strict';
import { readOcspRequest } from '../../src/protocol/pki/ocsp.ts';

/** A request of a stranger: read within its bounds, or refused. */
export function target(bytes: Uint8Array): void {
  const request = readOcspRequest(bytes);
  if (request === undefined) return;
  const { certIds, nonce } = request;
  assert.ok(certIds.length >= 1 && certIds.length <= 16);
  assert.ok(nonce === undefined || (nonce.length >= 1 && nonce.length <= 128));
  for (const { der, serial } of certIds) {
    assert.match(serial, /^-?(?:[0-9a-f]{2}){1,21}$/);
    assert.equal(der[0], 0x30);
  }
}
