import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '../../../test/fakes/random.ts';
import { probeAfter, retryAt } from './backoff.ts';

const settings = { firstRetry: 300_000, longestRetry: 4_800_000, jitter: 0 };

test('the wait doubles up to the longest', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 2_000].map(
    (attempts) => retryAt(attempts, 1_000, settings, seededRandom(1)) - 1_000,
  );
  assert.deepEqual(waits, [300_000, 600_000, 1_200_000, 2_400_000, 4_800_000, 4_800_000, 4_800_000, 4_800_000]);
});

test('jitter moves it by its share at most, both ways, and always into the future', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seed, attempts, jitter) => {
        const plain = retryAt(attempts, 0, settings, seededRandom(seed));
        const moved = retryAt(attempts, 0, { ...settings, jitter }, seededRandom(seed));
        assert.ok(Number.isInteger(moved) && moved >= 1);
        assert.ok(Math.abs(moved - plain) <= plain * jitter + 1);
      },
    ),
  );
  const random = seededRandom(3);
  const waits = Array.from({ length: 200 }, () => retryAt(1, 0, { ...settings, jitter: 0.5 }, random));
  assert.ok(Math.min(...waits) < 180_000 && Math.max(...waits) > 420_000);
});

test('a probe comes after a minute, then later, but never after the first retry', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((failures) => probeAfter(failures, settings, seededRandom(1))),
    [60_000, 120_000, 240_000, 300_000, 300_000],
  );
  assert.equal(probeAfter(1, { firstRetry: 2_000, jitter: 0 }, seededRandom(1)), 2_000);
});
