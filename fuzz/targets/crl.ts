import assert from 'node:assert/strict';
import { entryAt, readCrl } from '../../src/protocol/pki/crl-read.ts';
import { revocationList, revocationOf } from '../../src/relay/identity/revocation-list.ts';

/** A CRL of somebody else: whatever it is, it is read or refused, and every entry that was read is found again. */
export function target(bytes: Uint8Array): void {
  const reading = readCrl(bytes);
  if (reading.kind === 'bad') {
    assert.notEqual(reading.why, '');
    return;
  }
  const { list } = reading;
  const index = revocationList(bytes, list, 'x');
  assert.equal(index.sorted.length, list.entries.length);
  for (const start of list.entries) {
    const { serial, reason } = entryAt(bytes, start);
    const found = revocationOf(index, serial);
    assert.ok(found === 'revoked' || (found === 'suspended' && reason === 6), serial);
  }
}
