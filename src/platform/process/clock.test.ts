import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from './clock.ts';
import { systemRandom } from './random.ts';

describe('system clock and random', () => {
  test('times are integers, and monotonic never falls', () => {
    const clock = systemClock();
    assert.ok(Number.isInteger(clock.now()) && Math.abs(clock.now() - Date.now()) < 1_000);
    let last = clock.monotonic();
    for (let n = 0; n < 1_000; n++) {
      const now = clock.monotonic();
      assert.ok(Number.isInteger(now) && now >= last);
      last = now;
    }
  });

  test('after fires once, in order of the spans, unless cancelled; a span of years does not fire at once', async () => {
    const clock = systemClock();
    const fired: string[] = [];
    const cancels = [
      clock.after(0, () => fired.push('cancelled')),
      clock.after(90 * 86_400_000, () => fired.push('years')),
    ];
    cancels[0]?.();
    const end = new Promise<void>((resolve) => {
      const keep = setTimeout(() => undefined, 10_000); // the clock's timers do not keep the process alive
      clock.after(10, () => {
        fired.push('late');
        clearTimeout(keep);
        resolve();
      });
    });
    clock.after(1, () => fired.push('early'));
    await end;
    assert.deepEqual(fired, ['early', 'late']);
    for (const cancel of cancels) cancel();
    cancels[0]?.();
  });

  test('random bytes and fractions', () => {
    const random = systemRandom();
    assert.equal(random.bytes(16).length, 16);
    assert.notDeepEqual(random.bytes(16), random.bytes(16));
    assert.ok(Array.from({ length: 100 }, () => random.fraction()).every((x) => x >= 0 && x < 1));
  });
});
