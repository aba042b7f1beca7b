import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseQueueId, queueId, sendmailQueueId } from './id.ts';

describe('queue ids', () => {
  it('go round in both forms, for any id until 2085', () => {
    // The newest: the end of 2085, when Sendmail's years begin again.
    const last = (Date.UTC(2086, 0) - Date.UTC(2026, 0)) * 32 * 128 - 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: last }), (id) => {
        assert.match(sendmailQueueId(id), /^[0-9A-Za-x]{8}\d{6}$/);
        assert.equal(parseQueueId(sendmailQueueId(id)), id);
        assert.equal(parseQueueId(queueId(id)), id);
        assert.equal(parseQueueId(queueId(id).toLowerCase()), id);
      }),
      { numRuns: 2_000 },
    );
  });

  it("say in Sendmail's form when the message came", () => {
    const id = (Date.UTC(2026, 10, 24, 2, 21, 48, 7) - Date.UTC(2026, 0)) * 32 * 128 + 3 * 128 + 61;
    // year 2026 = k (46), November = A (10), 24 = O, 2, 21 = L, 48 = m; then the counter, the writer and the millisecond
    assert.equal(sendmailQueueId(id), 'kAO2Lm11003007');
  });

  it('are refused when they are none', () => {
    for (const text of [
      '',
      'kAO2Lm11003007x',
      'kAW2Lm11003007',
      'kAO2Lmz1003007',
      'kAO2Lm11099007',
      '!!',
      'kAO2Lm1'.padEnd(13, '1'),
    ])
      assert.equal(parseQueueId(text), undefined, text);
  });
});
