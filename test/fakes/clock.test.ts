import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '../../src/base/clock.ts';
import { fakeClock } from './clock.ts';
import { seededRandom } from './random.ts';

test('timers fire in order, with what they set off, and only when their time has come', async () => {
  const clock = fakeClock(5_000);
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.now()}`));
  clock.after(10, () => {
    seen.push(`a@${clock.now()}`);
    void Promise.resolve().then(() => clock.after(5, () => seen.push(`a2@${clock.now()}`)));
  });
  clock.after(20, () => seen.push('c'));
  clock.after(15, () => seen.push('never'))();
  await clock.advance(9);
  assert.deepEqual(seen, []);
  await clock.advance(11);
  assert.deepEqual(seen, ['a@5010', 'a2@5015', 'b@5020', 'c']);
  assert.equal(clock.pending(), 0);
});

test('sleep ends by time or by its signal', async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  let ended = '';
  void sleep(clock, 100).then(() => (ended += 'slept '));
  sleep(clock, 100, stop.signal).catch((reason: unknown) => (ended += String(reason)));
  stop.abort('stopped');
  await clock.settle();
  assert.equal(ended, 'stopped');
  await clock.advance(100);
  assert.equal(ended, 'stoppedslept ');
});

test('the wall clock steps alone', () => {
  const clock = fakeClock(1_000);
  const before = clock.monotonic();
  clock.stepWall(-400);
  assert.equal(clock.now(), 600);
  assert.equal(clock.monotonic(), before);
});

test('one seed gives one sequence, another seed another', () => {
  assert.deepEqual(seededRandom(7).bytes(16), seededRandom(7).bytes(16));
  assert.notDeepEqual(seededRandom(7).bytes(16), seededRandom(8).bytes(16));
  const random = seededRandom(1);
  let sum = 0;
  for (let i = 0; i < 1000; i++) {
    const fraction = random.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
    sum += fraction;
  }
  assert.ok(Math.abs(sum / 1000 - 0.5) < 0.05);
});
