import assert from 'node:assert/strict';
import { proveRequest } from '../../src/ca/proof.ts';
import { RequestRefused } from '../../src/ca/refusal.ts';

/** A certificate request from a stranger, DER: proven or refused with a section, in a short time. */
export function target(bytes: Uint8Array): void {
  const begun = performance.now();
  try {
    const { subject, publicKey, request } = proveRequest(bytes);
    // What is kept of it stands in it.
    assert.ok(Buffer.from(bytes).includes(subject));
    assert.ok(Buffer.from(bytes).includes(request.publicKey));
    assert.ok(publicKey.length > 0);
  } catch (error) {
    assert.ok(error instanceof RequestRefused, error instanceof Error ? (error.stack ?? error.message) : String(error));
    assert.match(error.section, /^(?:RFC \d+|FIPS [\d-]+) §/);
  }
  assert.ok(performance.now() - begun < 2000, 'took longer than two seconds');
}
