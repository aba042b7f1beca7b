import assert from 'node:assert/strict';
import { assertOneReplyEach, converse, tightLimits, wideLimits } from '../../src/protocol/smtp/server.suite.ts';
import { cutByContent } from '../cut.ts';

/** What a client sends, from its first octet. */
export function target(bytes: Uint8Array): void {
  for (const limits of [tightLimits, wideLimits]) {
    const whole = converse(limits, [bytes]);
    assert.deepEqual(converse(limits, cutByContent(bytes)), whole);
    assertOneReplyEach(bytes, whole);
  }
}
